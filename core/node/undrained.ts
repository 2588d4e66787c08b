import { matches, type LabelSelector } from "../cluster/labelSelector.ts";
import { kmm } from "../names.ts";

/** The part of a pod that says why it is still on a drained node. */
export interface DrainedPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string }[];
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
}

export interface DisruptionBudget {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec?: { readonly selector?: LabelSelector };
  readonly status?: { readonly disruptionsAllowed?: number };
}

/** The pods that should have left a node, each with what visibly keeps it: one line each, empty when all have gone. */
export function undrained(pods: readonly DrainedPod[], budgets: readonly DisruptionBudget[]): string[] {
  return pods.filter(leavesInDrain).map((pod) => {
    const { namespace, name } = pod.metadata;
    return `pod ${namespace}/${name}: ${whyStill(pod, budgets)}`;
  });
}

/** Static pods and those of DaemonSets stay while a node is drained, and so do KMM's workers. */
export function leavesInDrain({
  metadata: { ownerReferences = [], annotations = {}, labels = {} },
}: DrainedPod): boolean {
  if ("kubernetes.io/config.mirror" in annotations || kmm.workerActionLabel in labels) return false;
  return !ownerReferences.some(({ kind }) => kind === "DaemonSet");
}

function whyStill({ metadata }: DrainedPod, budgets: readonly DisruptionBudget[]): string {
  const { namespace, labels, finalizers = [], deletionTimestamp } = metadata;
  if (deletionTimestamp !== undefined) {
    return finalizers.length > 0
      ? `is being deleted, and kept by its finalizer ${finalizers.join(", ")}`
      : "is being deleted, and hasn't ended";
  }
  const blocking = budgets
    .filter((budget) => budget.metadata.namespace === namespace && budget.status?.disruptionsAllowed === 0)
    .filter(({ spec }) => matches(spec?.selector, labels))
    .map((budget) => `${namespace}/${budget.metadata.name}`);
  return blocking.length > 0 ? `PodDisruptionBudget ${blocking.join(", ")} allows no eviction now` : "wasn't evicted";
}
