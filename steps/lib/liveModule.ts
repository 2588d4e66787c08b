import type { ModuleTarget } from "../../core/nodeState.ts";
import type { Kubectl, KubeObject } from "./kubectl.ts";
import { StepError } from "./step.ts";

interface LiveModule extends KubeObject {
  readonly spec: { readonly moduleLoader?: { readonly container?: { readonly version?: string } } };
}

/** @throws StepError unless the cluster has the Module in just this version, which is a hash of all that reloads */
export async function requireModule(kubectl: Kubectl, node: string, wanted: ModuleTarget): Promise<void> {
  const { namespace, name, version } = wanted;
  const live = await kubectl.get<LiveModule>("modules.kmm.sigs.x-k8s.io", name, namespace);
  if (live === undefined) {
    throw new StepError(
      `${node}: the Module ${namespace}/${name} isn't in the cluster: somebody deleted it. The node was not touched; ` +
        "run `pulumi up` without --target, which makes it anew",
    );
  }
  const found = live.spec.moduleLoader?.container?.version ?? "none";
  if (found === version) return;
  throw new StepError(
    `${node}: the Module ${namespace}/${name} in the cluster has version ${found}, not ${version}. The node was not touched; ` +
      "run `pulumi up` without --target, which changes and builds it first",
  );
}
