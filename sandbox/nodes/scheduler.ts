import { isConflict, isNotFound, type Informer, type Kube } from "../kube.ts";
import { PODS, type Node, type Pod, type Taint, type Toleration } from "./shapes.ts";

/** Nodes that the pod may run on: Ready, labelled as it asks, and without a taint that it doesn't tolerate. */
function candidates(pod: Pod, nodes: Node[]): Node[] {
  const wanted = Object.entries(pod.spec?.nodeSelector ?? {});
  const tolerations = pod.spec?.tolerations ?? [];
  return nodes.filter(
    (node) =>
      node.metadata.deletionTimestamp === undefined &&
      node.spec?.unschedulable !== true &&
      node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true &&
      hasAffinity(pod, node) &&
      wanted.every(([key, value]) => node.metadata.labels?.[key] === value) &&
      (node.spec?.taints ?? []).every((taint) => taint.effect === "PreferNoSchedule" || tolerated(taint, tolerations)),
  );
}

/** Required node affinity, as far as KMM's own pods have it: labels that exist. Anything else binds nowhere. */
function hasAffinity({ spec }: Pod, { metadata }: Node): boolean {
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined) return true;
  return terms.some(({ matchExpressions = [] }) =>
    matchExpressions.every(({ key, operator }) => operator === "Exists" && metadata.labels?.[key] !== undefined),
  );
}

/** Kubernetes' rule: an empty key with `Exists` tolerates all, an empty effect every effect. */
const tolerated = (taint: Taint, tolerations: Toleration[]): boolean =>
  tolerations.some(
    ({ key = "", operator = "Equal", value = "", effect = "" }) =>
      (key === "" ? operator === "Exists" : key === taint.key) &&
      (effect === "" || effect === taint.effect) &&
      (operator === "Exists" || value === (taint.value ?? "")),
  );

/**
 * kube-scheduler's part: binds each pending pod to the candidate with the fewest pods. Of affinity only what `hasAffinity` knows, no resources, no
 * preemption, no volumes.
 */
export async function schedule(kube: Kube, pod: Pod, nodes: Node[], pods: Informer<Pod>): Promise<void> {
  const load = (node: Node): number => pods.list().filter(({ spec }) => spec?.nodeName === node.metadata.name).length;
  const [best] = candidates(pod, nodes).toSorted((one, other) => load(one) - load(other));
  if (best === undefined) {
    await tellUnschedulable(kube, pod, nodes);
    return;
  }
  const { name = "", namespace = "" } = pod.metadata;
  const target = { apiVersion: "v1", kind: "Node", name: best.metadata.name };
  const binding = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace, uid: pod.metadata.uid }, target };
  try {
    await kube.raw("POST", `/api/v1/namespaces/${namespace}/${PODS.plural}/${name}/binding`, binding);
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** As kube-scheduler says it, with one reason for each node: the first that it finds. */
async function tellUnschedulable(kube: Kube, pod: Pod, nodes: Node[]): Promise<void> {
  const reasons = Map.groupBy(nodes, (node) => whyNot(pod, node));
  const counted = [...reasons].map(([reason, having]) => `${having.length} ${reason}`).sort();
  const message = `0/${nodes.length} nodes are available: ${counted.join(", ")}.`;
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
  if (pod.status?.conditions?.some((each) => each.type === condition.type && each.message === message) === true) return;
  const { name = "", namespace = "" } = pod.metadata;
  try {
    await kube.patchStatus(PODS, { name, namespace }, { conditions: [condition] });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function whyNot(pod: Pod, node: Node): string {
  if (node.spec?.unschedulable === true) return "node(s) were unschedulable";
  const tolerations = pod.spec?.tolerations ?? [];
  const taint = node.spec?.taints?.find((each) => each.effect !== "PreferNoSchedule" && !tolerated(each, tolerations));
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  return "node(s) didn't match Pod's node affinity/selector";
}

/** Is this pod one for us to schedule? */
export const needsNode = (pod: Pod): boolean =>
  pod.spec?.nodeName === undefined &&
  pod.metadata.deletionTimestamp === undefined &&
  (pod.spec?.schedulerName ?? "default-scheduler") === "default-scheduler" &&
  (pod.spec?.schedulingGates ?? []).length === 0;
