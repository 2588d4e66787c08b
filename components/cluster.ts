import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { keepIdentity } from "../core/contracts/keepIdentity.ts";
import type { StackArgs } from "./options.ts";
import { step } from "./step.ts";

interface ClusterArgs extends StackArgs {
  /** The stack's namespace, for life like the cluster. */
  readonly namespace: string;
}

/** The stack's only way to its cluster: what every component with objects there is made with. */
export function connectCluster({ stack, cluster, namespace }: ClusterArgs): {
  readonly providers: pulumi.ProviderResource[];
} {
  // Before all that is in the cluster: a stack that is moved to another one ends here, and nothing is changed.
  const identity = step("identity", { run: keepIdentity }, { stack, cluster, namespace }, {});
  // The only provider: default ones are disabled, so that nothing can go to the kubeconfig's current context.
  const provider = new k8s.Provider(
    "cluster",
    {
      kubeconfig: cluster.kubeconfig,
      context: cluster.context,
      clusterIdentifier: cluster.id,
      // A kill between the API's write and the checkpoint would otherwise end in "already exists".
      upsertExistingObjects: true,
    },
    { dependsOn: [identity] },
  );
  return { providers: [provider] };
}
