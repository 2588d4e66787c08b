import type { Line } from "./lines.ts";

/** KMM's labels, annotations and finalizers. */

/** On a namespace with Modules: keeps it from being deleted. */
export const CONTAINS_MODULES = "kmm.node.k8s.io/contains-modules";
export const MODULE_FINALIZER = "kmm.node.kubernetes.io/module-finalizer";

export const MODULE_NAME = "kmm.node.kubernetes.io/module.name";
export const TARGET_KERNEL = "kmm.node.kubernetes.io/target-kernel";

/** On pull pods. */
export const IMAGE_OWNER = "kmm.node.kubernetes.io/image-owner";
export const PULL_POD_TYPE = "kmm.node.kubernetes.io/pull-pod-type";

/** On Builds. */
export const BUILD_TYPE = "kmm.openshift.io/build.type";
export const LAST_HASH = "kmm.node.kubernetes.io/last-hash";
export const CREATED_EVENT_SENT = "kmm.node.kubernetes.io/created-event-sent";
export const GC_DELAY_FINALIZER = "kmm.node.kubernetes.io/gc-delay";
export const JOB_EVENT_FINALIZER = "kmm.node.kubernetes.io/job-event-finalizer";

/** On worker pods. */
export const WORKER_FINALIZER = "kmm.node.kubernetes.io/nodemodulesconfig-reconciler";
export const WORKER_ACTION = "kmm.node.kubernetes.io/worker-action";
export const WORKER_CONFIG = "kmm.node.kubernetes.io/worker-config";
export const WORKER_TOLERATIONS = "kmm.node.kubernetes.io/worker-tolerations";
export const MODULES_ORDER = "kmm.node.kubernetes.io/modules-order";
export const WORKER_VERSION = "kmm.node.kubernetes.io/worker-module-version";
export const WORKER_HASH = "kmm.node.kubernetes.io/worker-hash";

/** Which Module: its key in labels is `<namespace>.<name>`. */
export interface ModuleKey {
  namespace: string;
  name: string;
}

/** On a NodeModulesConfig: its spec has, or a node still uses, the Module. */
export const configuredLabel = (key: ModuleKey): string =>
  `beta.${NODE}/${key.namespace}.${key.name}.module-configured`;
export const inUseLabel = (key: ModuleKey): string => `beta.${NODE}/${key.namespace}.${key.name}.module-in-use`;

const NODE = "kmm.node.kubernetes.io";

/** On a Node: the Module was loaded. */
export const readyLabel = (key: ModuleKey): string => `${NODE}/${key.namespace}.${key.name}.ready`;
/** On a Node: the version that was loaded. */
export const versionReadyLabel = (key: ModuleKey): string => `${NODE}/${key.namespace}.${key.name}.version.ready`;

/** On a Node, set by people: the version of the Module that it shall have. */
export const VERSION_PREFIX = `${NODE}/version-module.`;
/** On a Node, set by KMM: the version that its worker pod may have now. */
export const workerVersionLabel = (key: ModuleKey): string => `${WORKER_VERSION_PREFIX}${key.namespace}.${key.name}`;
export const WORKER_VERSION_PREFIX = `beta.${NODE}/version-worker-pod.`;
/** Likewise, for whatever is scheduled onto loaded modules; the name is the line's. */
export const secondVersionPrefix = ({ secondVersionLabel }: Line): string => `beta.${NODE}/${secondVersionLabel}.`;
export const versionLabel = (key: ModuleKey): string => `${VERSION_PREFIX}${key.namespace}.${key.name}`;
