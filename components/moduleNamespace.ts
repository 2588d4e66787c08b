import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { names, ownFields, ownLabels } from "../core/names.ts";
import { remadeAnnotations } from "../core/cluster/ownObjects.ts";
import { policyAnnotations, type Policy } from "../core/configuration/policy.ts";
import { guard } from "./guard.ts";
import { ownChildOf, type OwnerArgs } from "./options.ts";

export interface ModuleNamespaceArgs extends OwnerArgs {
  /** The namespace's name; see `onload-kmm:namespace`. */
  readonly namespace: string;
  /** How the stack works; each step reads it from the namespace. */
  readonly policy: Policy;
}

/** The namespace, and the ServiceAccount under which KMM's worker pods load modules. */
export class ModuleNamespace extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:ModuleNamespace";

  /** Name of the namespace, known once it exists. */
  readonly name: pulumi.Output<string>;
  /** The object's UID: another one with each `destroy` and `up`. */
  readonly uid: pulumi.Output<string>;

  constructor(name: string, args: ModuleNamespaceArgs, options: pulumi.ComponentResourceOptions) {
    super(ModuleNamespace.type, name, {}, options);
    const labels = ownLabels(args.stack);
    const annotations = ownFields(args.stack);

    const namespace = new k8s.core.v1.Namespace(
      name,
      {
        metadata: {
          name: args.namespace,
          labels: { ...labels, ...privileged },
          annotations: { ...annotations, ...policyAnnotations(args.policy), ...remadeAnnotations(args.remade) },
        },
      },
      ownChildOf(this, args.remade.namespace),
    );
    this.name = namespace.metadata.name;
    this.uid = namespace.metadata.uid;

    const account = new k8s.core.v1.ServiceAccount(
      `${name}-worker`,
      { metadata: { name: names.serviceAccount, namespace: this.name, labels, annotations } },
      ownChildOf(this, args.remade["service-account"]),
    );

    const binding = new k8s.rbac.v1.RoleBinding(
      `${name}-privileged`,
      {
        metadata: { name: names.privilegedBinding, namespace: this.name, labels, annotations },
        // OpenShift creates this ClusterRole for the SCC `privileged`; KMM's workers run as root with SYS_MODULE.
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "ClusterRole",
          name: "system:openshift:scc:privileged",
        },
        subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace: this.name }],
      },
      ownChildOf(this, args.remade["privileged-binding"]),
    );

    guard(name, args, [namespace, account, binding], this);

    this.registerOutputs({ name: this.name });
  }
}

/** Pod security admission: the worker pods are privileged, and OpenShift must not overwrite our level with its own. */
const privileged = {
  "pod-security.kubernetes.io/enforce": "privileged",
  "pod-security.kubernetes.io/audit": "privileged",
  "pod-security.kubernetes.io/warn": "privileged",
  "security.openshift.io/scc.podSecurityLabelSync": "false",
};
