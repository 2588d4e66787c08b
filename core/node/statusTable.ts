/** What `npm run status` prints: for people a table and a sentence, for programs one JSON object. */
import { z } from "zod";
import { cardSummary } from "./cards.ts";
import { fitColumns } from "./fitColumns.ts";
import { nodeStatus, type NodeStatus } from "./nodeStatus.ts";

/** The JSON of `npm run status -- --json`. Members may be added; another meaning of one is another number. */
export const statusReport = z.object({
  schema: z.literal(1),
  /** Whether all nodes are as they should be. */
  asWanted: z.boolean(),
  /** The same in one sentence, for people. */
  summary: z.string(),
  /** SHA-256 of the signing certificate, as in the stack's outputs; null before the first `up`. */
  certificateFingerprint: z.string().nullable(),
  /** Those that deviate first, else in the configuration's order. */
  nodes: z.array(nodeStatus),
});
type StatusReport = z.infer<typeof statusReport>;

export function reportOf(nodes: readonly NodeStatus[], certificateFingerprint: string | null): StatusReport {
  const sorted = [...nodes].sort((a, b) => Number(a.asWanted) - Number(b.asWanted));
  return {
    schema: 1,
    asWanted: nodes.every(({ asWanted }) => asWanted),
    summary: summary(sorted),
    certificateFingerprint,
    nodes: sorted,
  };
}

/** The table in one sentence: how many run which release as they should, how many are held, and those to look at. */
function summary(nodes: readonly NodeStatus[]): string {
  const rolled = nodes.filter(({ asWanted, held }) => asWanted && !held);
  const held = nodes.filter((node) => node.held).length;
  const others = nodes.filter(({ asWanted }) => !asWanted).map(({ node }) => node);
  const releases = [...new Set(nodes.flatMap(({ release }) => release.wanted ?? []))];
  return [
    `${rolled.length} of ${nodes.length} on ${["OpenOnload", releases.join(" and ")].join(" ").trim()}`,
    ...(held === 0 ? [] : [`${held} held`]),
    ...(others.length === 0 ? [] : [`look at ${others.join(", ")}`]),
  ].join(", ");
}

/**
 * The report for people: what deviates first and marked, what was wanted of it below, and the sentence last.
 *
 * @param width of the terminal, in columns; without it the table is as wide as it needs to be
 */
export function formatReport({ nodes, summary }: StatusReport, width = Infinity): string {
  const details = nodes.flatMap((node) => (node.asWanted ? [] : [`! ${node.node}: ${differences(node).join("; ")}`]));
  const todos = nodes.flatMap(({ node, todo }) => (todo === null ? [] : [`TO DO ${node}: ${todo}`]));
  const blocks = [table(nodes, width), details.join("\n"), todos.join("\n"), summary];
  return blocks.filter((block) => block !== "").join("\n\n");
}

/** What a narrow terminal doesn't show, the first first; `--json` has all. */
const dispensable = ["CARD", "SECURE BOOT", "KMM", "READY", "VERSION"];

/** Columns padded to their widest cell, in at most `width` columns of the terminal. */
function table(nodes: readonly NodeStatus[], width: number): string {
  const all = columns.map(([title, cell]) => ({ title, cells: nodes.map((node) => cell(node)) }));
  const { shown, leftOut } = fitColumns(all, width, dispensable);
  const widths = shown.map(({ title, cells }) => Math.max(title.length, ...cells.map(({ length }) => length)));
  const lines = [
    shown.map(({ title }) => title),
    ...nodes.map((_, index) => shown.map(({ cells }) => cells[index] ?? "")),
  ];
  const text = lines.map((cells) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...text, ...(leftOut.length === 0 ? [] : ["", `A wider terminal also shows ${leftOut.join(", ")}.`])].join(
    "\n",
  );
}

const columns: readonly [title: string, cell: (node: NodeStatus) => string][] = [
  ["  NODE", ({ node, asWanted }) => `${asWanted ? " " : "!"} ${node}`],
  ["READY", ({ exists, ready }) => (exists ? yesOrNo(ready) : "gone")],
  ["SERVICE", serviceCell],
  ["SECURE BOOT", ({ exists, secureBoot }) => secureBoot ?? absent(exists)],
  ["KEY", keyCell],
  ["VERSION", ({ version }) => version.found ?? "-"],
  ["KMM", ({ kmm }) => (kmm === "none" ? "-" : kmm)],
  ["DRIVER", driverCell],
  ["CARD", ({ answers, exists, cards }) => (answers ? cardSummary(cards) : absent(exists))],
  ["PHASE", phaseCell],
];

const yesOrNo = (value: boolean | null): string => (value === true ? "yes" : "no");

/** Of a node that is gone there is nothing to know. */
const absent = (exists: boolean): string => (exists ? "unknown" : "-");

function serviceCell({ service: { cordoned, cordonedBy } }: NodeStatus): string {
  if (cordoned === null) return "-";
  if (!cordoned) return "in service";
  return `cordoned by ${cordonedBy ?? "somebody else"}`;
}

function keyCell({ exists, answers, key }: NodeStatus): string {
  if (!answers) return absent(exists);
  if (key.needed === false) return "not needed";
  return key.trusted === true ? `trusted (${key.found ?? "-"})` : (key.found ?? "-");
}

function driverCell({ exists, driver, unreachable }: NodeStatus): string {
  if (driver.problems === null) return exists ? (unreachable ?? "unknown") : "-";
  return driver.problems[0] ?? `sfc ${driver.versions.join(", ")}`;
}

function phaseCell({ phase, held }: NodeStatus): string {
  if (phase !== null) return `${phase.name} since ${phase.since}`;
  return held ? "held" : "-";
}

/** What is otherwise than wanted, in words. Another version has another image: said once. */
function differences(node: NodeStatus): string[] {
  return node.deviates
    .filter((member) => member !== "image" || !node.deviates.includes("version"))
    .map((member) => words[member](node));
}

const words: Readonly<Record<NodeStatus["deviates"][number], (node: NodeStatus) => string>> = {
  exists: () => "the cluster has no such node",
  ready: () => "not Ready",
  service: (node) => serviceCell(node),
  phase: (node) => `an \`up\` is at, or stopped at, ${phaseCell(node)}`,
  todo: () => "waits for you",
  // The message names the node itself.
  answers: ({ node, unreachable }) => unreachable?.replace(`${node}: `, "") ?? "wasn't asked",
  key: ({ key }) => `key ${key.found ?? "not known"}, not trusted`,
  version: ({ version }) => `version ${version.found ?? "none"}, wanted ${version.wanted ?? "none yet"}`,
  image: ({ image }) => `image ${image.found ?? "none"}, wanted ${image.wanted ?? "none yet"}`,
  kmm: ({ kmm }) => `KMM: ${kmm === "none" ? "nothing loaded" : kmm}`,
  driver: ({ driver }) => (driver.problems ?? []).join(", "),
};
