import { matches, type LabelSelector } from "../cluster/labelSelector.ts";
import { isCordoned, isReady, type RollNode } from "./nodeState.ts";

/*
 * What a drain spares (ADR 7). A roll-out waits for KMM, for the registry and for the API servers, so it must not evict
 * what serves them from the one node on which they can run.
 */

type Expressions = NonNullable<LabelSelector["matchExpressions"]>;

/** The part of a pod that says what it serves and where it may run. */
export interface PlacedPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly tolerations?: readonly Toleration[];
    readonly affinity?: {
      readonly nodeAffinity?: {
        readonly requiredDuringSchedulingIgnoredDuringExecution?: {
          readonly nodeSelectorTerms: readonly { matchExpressions?: Expressions; matchFields?: Expressions }[];
        };
      };
    };
    readonly volumes?: readonly { readonly name: string; readonly emptyDir?: unknown }[];
  };
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** Labels by which a Deployment's and a StatefulSet's pods are told from all others. */
const hashes = ["pod-template-hash", "controller-revision-hash"] as const;

/**
 * The pods of a node that stay there while it is drained: those of the platform and of KMM that could run on no other node of
 * the cluster, and a registry that would lose its images. Pods that no Deployment or StatefulSet would create again elsewhere are
 * never among them.
 */
export function spared<T extends PlacedPod>(node: string, pods: readonly T[], nodes: readonly RollNode[]): T[] {
  const others = nodes.filter((other) => other.metadata.name !== node && isReady(other) && !isCordoned(other));
  return pods
    .filter(({ metadata }) => hashes.some((label) => metadata.labels?.[label] !== undefined))
    .filter((pod) => isNeeded(pod) && (keepsImages(pod) || !others.some((other) => fits(pod, other))));
}

/** The label selector of all other pods, in kubectl's notation. */
export function selectorWithout(pods: readonly PlacedPod[]): string[] {
  return hashes.flatMap((label) => {
    const values = new Set(pods.flatMap(({ metadata }) => metadata.labels?.[label] ?? []));
    return values.size === 0 ? [] : [`${label} notin (${[...values].sort().join(",")})`];
  });
}

/** Whether the pod is the platform's or KMM's, in whichever namespace that was installed. */
const isNeeded = ({ metadata }: PlacedPod): boolean =>
  /^(openshift|kube)-/.test(metadata.namespace) || metadata.name.startsWith("kmm-operator-");

/** Whether the internal registry keeps its images in the pod itself: they would be lost with it. */
const keepsImages = ({ metadata, spec }: PlacedPod): boolean =>
  metadata.namespace === "openshift-image-registry" &&
  (spec?.volumes ?? []).some(({ name, emptyDir }) => name === "registry-storage" && emptyDir !== undefined);

/** Whether the scheduler could put the pod there, judging by node and pod alone. */
function fits({ spec }: PlacedPod, { metadata, spec: node }: RollNode): boolean {
  const taints = (node?.taints ?? []).filter(({ effect }) => effect !== "PreferNoSchedule");
  if (!taints.every((taint) => (spec?.tolerations ?? []).some((toleration) => tolerates(toleration, taint)))) {
    return false;
  }
  if (!matches({ matchLabels: spec?.nodeSelector ?? {} }, metadata.labels)) return false;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const fields = { "metadata.name": metadata.name };
  return (terms ?? [{}]).some(
    ({ matchExpressions = [], matchFields = [] }) =>
      matches({ matchExpressions }, metadata.labels) && matches({ matchExpressions: matchFields }, fields),
  );
}

/** Kubernetes' rule: no key with `Exists` tolerates all, no effect every effect. */
function tolerates(
  { key = "", operator = "Equal", value = "", effect = "" }: Toleration,
  taint: { readonly key: string; readonly value?: string; readonly effect: string },
): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (operator === "Exists") return key === "" || key === taint.key;
  return key === taint.key && value === (taint.value ?? "");
}
