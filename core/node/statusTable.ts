import { cardSummary } from "./cards.ts";
import { keyText } from "./keyText.ts";
import type { NodeStatus } from "./nodeStatus.ts";

/** The columns of `npm run status`. */
const columns: readonly (readonly [title: string, cell: (status: NodeStatus) => string])[] = [
  ["NODE", ({ node }) => node],
  ["READY", ({ exists, ready }) => (exists ? (ready === true ? "yes" : "no") : "gone")],
  ["SERVICE", known(serviceOf)],
  ["SECURE BOOT", known(({ secureBoot }) => secureBoot ?? "unknown")],
  ["KEY", known(({ secureBoot, key }) => keyText({ secureBoot, key: key.state }))],
  ["VERSION", known(versionOf)],
  ["KMM", known(({ kmm }) => kmm ?? "-")],
  ["DRIVER", known(driverOf)],
  ["CARD", known(({ driver, cards }) => (driver === null ? "unknown" : cardSummary(cards)))],
  ["PHASE", known(phaseOf)],
];

/** Columns padded to their widest cell, those first that aren't as they should be; below it what is to be done. */
export function formatTable(nodes: readonly NodeStatus[]): string {
  const sorted = [...nodes.filter(({ fit }) => !fit), ...nodes.filter(({ fit }) => fit)];
  const lines = [columns.map(([title]) => title), ...sorted.map((status) => columns.map(([, cell]) => cell(status)))];
  const widths = columns.map((_column, index) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0)));
  const todos = sorted.flatMap(({ node, todo }) => (todo === null ? [] : [`TO DO ${node}: ${todo}`]));
  return [
    ...lines.map((cells) =>
      cells
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
    ...(todos.length === 0 ? [] : ["", ...todos]),
  ].join("\n");
}

/** All nodes in one sentence: `2 of 4 nodes on 9.1, 1 held; look at worker-4`. */
export function summary(nodes: readonly NodeStatus[]): string {
  const wanted = nodes[0]?.version.wanted ?? null;
  const rolled = nodes.filter(({ fit, held }) => fit && !held).length;
  const held = nodes.filter((status) => status.held).length;
  const others = nodes.filter(({ fit }) => !fit).map(({ node }) => node);
  const done = wanted === null ? "no version in the cluster yet" : `${rolled} of ${nodes.length} nodes on ${wanted}`;
  return `${done}${held === 0 ? "" : `, ${held} held`}${others.length === 0 ? "" : `; look at ${others.join(", ")}`}`;
}

/** A node that the cluster doesn't have has nothing to tell. */
function known(cell: (status: NodeStatus) => string): (status: NodeStatus) => string {
  return (status) => (status.exists ? cell(status) : "-");
}

function serviceOf({ cordoned, cordonedBy }: NodeStatus): string {
  if (cordoned !== true) return "in service";
  return `cordoned by ${cordonedBy ?? "somebody else"}`;
}

function versionOf({ version: { wanted, found }, held }: NodeStatus): string {
  const isBehind = wanted !== null && found !== null && found !== wanted && !held;
  return `${found ?? "-"}${isBehind ? ` (wanted ${wanted})` : ""}`;
}

function driverOf({ driver, unreachable }: NodeStatus): string {
  if (driver === null) return unreachable ?? "unknown";
  return driver.problems[0] ?? `sfc ${driver.versions.join(", ")}`;
}

function phaseOf({ phase, held }: NodeStatus): string {
  if (phase !== null) return `${phase.name} since ${phase.since}`;
  return held ? "held" : "-";
}
