import type { Line } from "./lines.ts";
import type { Module, Node, Toleration } from "./resources.ts";

const PRESSURES = ["disk", "memory", "pid"];

/** What KMM tolerates by itself, beside what the Module does. */
export function ownTolerations({ ownTolerations: has }: Line): Toleration[] {
  if (!has) return [];
  return PRESSURES.map((what) => ({
    key: `node.kubernetes.io/${what}-pressure`,
    operator: "Exists",
    effect: "NoSchedule",
  }));
}

/** Whether the Module selects the node: every label matches, and every taint that repels is tolerated. */
export function selects(module: Module, node: Node, line: Line): boolean {
  const labels = node.metadata.labels ?? {};
  const matching = Object.entries(module.spec.selector).every(([name, value]) => labels[name] === value);
  return matching && isSchedulable(node, [...(module.spec.tolerations ?? []), ...ownTolerations(line)]);
}

/** Whether every NoSchedule and NoExecute taint of the node is tolerated. A cordon is such a taint. */
export function isSchedulable(node: Node, tolerations: Toleration[]): boolean {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === "NoSchedule" || effect === "NoExecute");
  return taints.every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)));
}

/** Kubernetes' rule: empty effect and key match all, `Exists` any value. */
function tolerates(toleration: Toleration, taint: { key: string; value?: string; effect: string }): boolean {
  const { key = "", operator = "Equal", value = "", effect = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (operator === "Exists") return true;
  return key !== "" && value === (taint.value ?? "");
}

/** The node's condition Ready is True. */
export const isReady = (node: Node): boolean =>
  node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
