/** Every name that this project gives to, or expects of, something in the cluster. */

import { told, type Told } from "./errors.ts";

/** Prefix of our own labels and annotations. */
export const domain = "onload-kmm.io";

/** The Module's name. KMM allows 40 characters for it and its namespace together. */
export const moduleName = "onload";

/** The kernel modules that Onload 9 and later builds, as they lie in `extra/` (facts: its spec file). */
export const kernelModules = ["onload", "sfc", "sfc_char", "sfc_resource"] as const;

export const names = {
  serviceAccount: "onload-kmm-module",
  privilegedBinding: "onload-kmm-module-privileged",
  srpmImageStream: "onload-srpm",
  srpmBuildConfig: "onload-srpm",
  kmodImageStream: "onload-kmod",
  /** Credentials for a registry outside of the cluster. */
  registrySecret: "onload-registry",
  entitlementSecret: "etc-pki-entitlement",
  entitlementNamespace: "openshift-config-managed",
  leaseNamespace: "kube-node-lease",
  /** Where OpenShift has the Driver Toolkits, one tag an OS version. */
  toolkitNamespace: "openshift",
  toolkitImageStream: "driver-toolkit",
} as const;

/** The Lease for work on `node`; beside the kubelet's own, so that stacks in other namespaces see it. */
export const nodeLease = (node: string): string => `onload-kmm-node-${node}`;

/** Held while a control-plane node is out of service: etcd can spare one. */
export const controlPlaneLease = "onload-kmm-control-plane";

/**
 * Taking a node out of service needs one of these Leases: as many as may be out at once. Stacks' names may have
 * characters that objects' names may not; two that become the same here refuse each other, because a Lease names its owner.
 */
export const slotLeases = (stack: string, maxParallel: number): string[] =>
  Array.from({ length: maxParallel }, (_, slot) => `onload-kmm-slot-${partOf(stack)}-${slot}`);

/** Held from the look at who is out until the cordon, where several may be out: two that look at once would be one too many. */
export const countLease = (stack: string): string => `onload-kmm-count-${partOf(stack)}`;

const partOf = (stack: string): string => stack.toLowerCase().replaceAll(/[^a-z0-9]/g, "-");

/** What is wrong with a stack's name: it is the value of our label on everything (Kubernetes, "Labels and Selectors"). */
export function stackNameProblem(stack: string): Told | undefined {
  if (/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(stack)) return undefined;
  return told(
    "OKMM-CONFIG-STACK",
    `stack: found "${stack}", expected a name that can be a label's value: at most 63 characters, the first and the ` +
      "last a letter or digit; rename it with `pulumi stack rename`",
  );
}

export const labels = {
  /** On nodes: the Module's selector. On our objects: whose they are. Its value is the stack's name. */
  stack: `${domain}/stack`,
  managedBy: "app.kubernetes.io/managed-by",
} as const;

const managedBy = "onload-kmm";

export const annotations = {
  /** On a selected node: UID of its Node object. One that was deleted and joined again has lost the label. */
  selected: `${domain}/selected`,
  /** On a selected node that roll-outs pass by: it doesn't count as out of service. */
  hold: `${domain}/hold`,
  /** On a node while it is being worked on, or where that stopped: JSON of {@link file://./node/rollState.ts}. */
  roll: `${domain}/roll`,
  /** On a node that we cordoned: the stack's name. Without it an uncordon is not ours to do. */
  cordonedBy: `${domain}/cordoned-by`,
  /** On a node: the generation (core/node/reality.ts) whose roll-out ended well last. */
  generation: `${domain}/generation`,
  /** On the namespace: digests of signed images by tag, and tags never to be used again (core/build/imageMemory.ts). */
  signed: `${domain}/signed`,
  spoilt: `${domain}/spoilt`,
  /** On the Module: touched to make KMM look again. */
  retry: `${domain}/retry`,
} as const;

/** Prefix of the annotations on a stack's namespace that hold its policy (core/configuration/policy.ts). */
export const policyPrefix = `policy.${domain}/`;

/** The environment variable in which a step of {@link file://../steps} finds what isn't secret of its input, as JSON. */
export const inputVariable = "ONLOAD_KMM_INPUT";

/** Names the folder below which steps keep `logs/`; the project's own without it. */
export const homeVariable = "ONLOAD_KMM_HOME";

/** KMM's own labels and annotations (its source, `internal/constants`). */
export const kmm = {
  /** Prefix of its labels on Nodes. */
  prefix: "kmm.node.kubernetes.io/",
  /** Set by us: lets a versioned Module load on the node. */
  versionLabel: (namespace: string, module: string): string =>
    `kmm.node.kubernetes.io/version-module.${namespace}.${module}`,
  readyLabel: (namespace: string, module: string): string => `kmm.node.kubernetes.io/${namespace}.${module}.ready`,
  /** On NodeModulesConfigs: while one has it, KMM keeps the Module from being deleted. */
  inUseLabel: (namespace: string, module: string): string =>
    `beta.kmm.node.kubernetes.io/${namespace}.${module}.module-in-use`,
  /**
   * Labels in which KMM keeps a node's version, by what it is for. One of 2.6 and before has another name from 2.7 on, and
   * stays on a node forever if the operator was upgraded meanwhile.
   */
  keptVersionLabels: (namespace: string, module: string): string[] =>
    ["worker-pod", "device-plugin", "schedule-pod"].map(
      (use) => `beta.kmm.node.kubernetes.io/version-${use}.${namespace}.${module}`,
    ),
  moduleNameLabel: "kmm.node.kubernetes.io/module.name",
  /** On the pods with which KMM looks for an image: the Module's name. */
  imageOwnerLabel: "kmm.node.kubernetes.io/image-owner",
  workerActionLabel: "kmm.node.kubernetes.io/worker-action",
  targetKernelLabel: "kmm.node.kubernetes.io/target-kernel",
  buildTypeLabel: "kmm.openshift.io/build.type",
} as const;

/** The internal registry's address inside the cluster. */
export const internalRegistry = "image-registry.openshift-image-registry.svc:5000";

/** Labels on every object of a stack. */
export const ownLabels = (stack: string): Record<string, string> => ({
  [labels.managedBy]: managedBy,
  [labels.stack]: stack,
});

/**
 * Annotations on every object of a stack: one field manager for all, not a random one per create. Otherwise a killed create
 * that is repeated would own its fields twice, and each later change of them would be a conflict.
 */
export const ownFields = (stack: string): Record<string, string> => ({
  "pulumi.com/patchFieldManager": `${managedBy}-${stack}`,
});
