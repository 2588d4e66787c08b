import { cardsOf, cardSummary, type Card } from "./cards.ts";
import { driverProblems, isTrusted, type MachineState } from "./machineState.ts";
import { cordonedBy, isCordoned, isReady, kmmAccount, type NodeModulesConfig, type RollNode } from "./nodeState.ts";
import { fitColumns } from "./fitColumns.ts";
import { annotations, kmm, moduleName } from "../names.ts";
import type { Settings } from "../configuration/settings.ts";
import { mokManagerTask } from "../firmware/mokManagerTask.ts";
import { parseRollState, type RollState } from "./rollState.ts";

/** What is known of one listed node; absent if it couldn't be asked. */
export interface NodeReport {
  readonly name: string;
  readonly hold: boolean;
  readonly node?: RollNode | undefined;
  readonly nmc?: NodeModulesConfig | undefined;
  readonly machine?: MachineState | undefined;
  /** Command that opens its console, where one is configured. */
  readonly console?: string | undefined;
  /** Why the machine couldn't be asked. */
  readonly unreachable?: string | undefined;
}

/** One line of `npm run status`; also its JSON. */
export interface StatusRow {
  readonly node: string;
  readonly ready: string;
  readonly service: string;
  readonly secureBoot: string;
  readonly key: string;
  readonly version: string;
  readonly kmm: string;
  readonly driver: string;
  /** Part, serial number (masked) and firmware of the ports' cards. */
  readonly card: string;
  readonly phase: string;
  /** What a person must do for it now, in a line below the table; "-" where nothing is to be done. */
  readonly todo: string;
  /** The same, port by port; not in the table. */
  readonly cards: readonly Card[];
}

/** How the stack's nodes come to trust the key. */
type Enrolment = Pick<Settings["enrolment"], "mode" | "timeoutMinutes">;

/** @param now milliseconds since 1970 */
export function statusRow(
  report: NodeReport,
  settings: { namespace: string; enrolment: Enrolment },
  now: number,
): StatusRow {
  const { namespace, enrolment } = settings;
  const { node, machine } = report;
  if (node === undefined) {
    return {
      node: report.name,
      ready: "gone",
      service: "-",
      secureBoot: "-",
      key: "-",
      version: "-",
      kmm: "-",
      driver: "-",
      card: "-",
      phase: "-",
      todo: "-",
      cards: [],
    };
  }
  return {
    node: report.name,
    ready: isReady(node) ? "yes" : "no",
    service: serviceOf(node),
    secureBoot: machine?.secureBoot ?? "unknown",
    key:
      machine === undefined ? "unknown" : isTrusted(machine) ? `trusted (${machine.key ?? "-"})` : (machine.key ?? "-"),
    version: node.metadata.labels?.[kmm.versionLabel(namespace, moduleName)] ?? "-",
    kmm: kmmAccount(node, report.nmc, { namespace, module: moduleName }),
    driver: driverOf(report),
    phase: phaseOf(report, node),
    todo: todoOf(report, node, enrolment, now) ?? "-",
    ...cardFields(machine),
  };
}

const cardFields = (machine: MachineState | undefined): Pick<StatusRow, "card" | "cards"> =>
  machine === undefined
    ? { card: "unknown", cards: [] }
    : { card: cardSummary(cardsOf(machine)), cards: cardsOf(machine) };

function serviceOf(node: RollNode): string {
  if (!isCordoned(node)) return "in service";
  const by = cordonedBy(node);
  return by === undefined ? "cordoned by somebody else" : `cordoned by ${by}`;
}

function driverOf({ machine, unreachable }: NodeReport): string {
  if (machine === undefined) return unreachable ?? "unknown";
  const problems = driverProblems(machine);
  if (problems.length > 0) return problems[0] ?? "";
  const versions = new Set(machine.interfaces.map(({ version }) => version ?? "?"));
  return `sfc ${[...versions].join(", ")}`;
}

/** What MokManager waits for, as far as the node's own noted phase and its key tell. */
function todoOf(report: NodeReport, node: RollNode, enrolment: Enrolment, now: number): string | undefined {
  const { name, machine, console } = report;
  const state = parseRollState(node.metadata.annotations?.[annotations.roll]);
  const request = state === undefined ? undefined : requests[state.phase];
  if (enrolment.mode === "attended" && state !== undefined && request !== undefined && machine === undefined) {
    const minutesLeft = enrolment.timeoutMinutes - (now - Date.parse(state.since)) / 60_000;
    return mokManagerTask({ node: name, request, console, minutesLeft });
  }
  if (enrolment.mode !== "operator" || machine?.key !== "pending") return undefined;
  return `reboot it in a window of your own; then ${mokManagerTask({ node: name, request: "enrol", console })}`;
}

/** What a node in a phase is asked for by its firmware. */
const requests: Readonly<Partial<Record<RollState["phase"], "enrol" | "delete">>> = {
  reboot: "enrol",
  remove: "delete",
};

function phaseOf({ hold }: NodeReport, node: RollNode): string {
  const state = parseRollState(node.metadata.annotations?.[annotations.roll]);
  if (state !== undefined) return `${state.phase} since ${state.since}`;
  return hold ? "held" : "-";
}

/** Whether a node is in service with the driver loaded; a held one may run what it likes. */
export function isFit({ ready, service, kmm, driver, phase, todo }: StatusRow): boolean {
  if (ready !== "yes" || service !== "in service" || todo !== "-") return false;
  return phase === "held" || (kmm === "loaded" && driver.startsWith("sfc "));
}

/** The table in one sentence: how many are as they should be, and on which version; then those that aren't. */
export function summary(rows: readonly StatusRow[]): string {
  const fit = rows.filter(isFit);
  const held = rows.filter(({ phase }) => phase === "held").length;
  const versions = [...new Set(fit.filter(({ phase }) => phase !== "held").map(({ version }) => version))];
  const on = versions.length === 0 ? "" : ` on ${versions.join(" and ")}`;
  const others = rows.filter((row) => !isFit(row)).map(({ node }) => node);
  return [
    `${fit.length} of ${rows.length} nodes in service as they should be${on}`,
    ...(held === 0 ? [] : [`${held} held`]),
    ...(others.length === 0 ? [] : [`look at ${others.join(", ")}`]),
  ].join("; ");
}

/** What a narrow terminal doesn't show, the first first; `--json` has all. */
const dispensable = ["CARD", "SECURE BOOT", "KMM", "READY", "VERSION"];

/**
 * Columns padded to their widest cell.
 * @param width of the terminal, in columns; without it the table is as wide as it needs to be.
 */
export function formatTable(rows: readonly StatusRow[], width = Infinity): string {
  const columns: [Exclude<keyof StatusRow, "cards" | "todo">, string][] = [
    ["node", "NODE"],
    ["ready", "READY"],
    ["service", "SERVICE"],
    ["secureBoot", "SECURE BOOT"],
    ["key", "KEY"],
    ["version", "VERSION"],
    ["kmm", "KMM"],
    ["driver", "DRIVER"],
    ["card", "CARD"],
    ["phase", "PHASE"],
  ];
  const { shown, leftOut } = fitColumns(
    columns.map(([key, title]) => ({ title, cells: rows.map((row) => row[key]) })),
    width,
    dispensable,
  );
  const widths = shown.map(({ title, cells }) => Math.max(title.length, ...cells.map(({ length }) => length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  const todos = rows.filter(({ todo }) => todo !== "-").map(({ node, todo }) => `TO DO ${node}: ${todo}`);
  return [
    line(shown.map(({ title }) => title)),
    ...rows.map((_, index) => line(shown.map(({ cells }) => cells[index] ?? ""))),
    ...(leftOut.length === 0 ? [] : ["", `A wider terminal also shows ${leftOut.join(", ")}.`]),
    ...(todos.length === 0 ? [] : ["", ...todos]),
  ].join("\n");
}
