/** What `npm run status -- --json` tells of a stack's nodes; its table says the same in words. */
import { z } from "zod";
import type { Settings } from "../configuration/settings.ts";
import { mokManagerTask } from "../firmware/mokManagerTask.ts";
import { annotations, kmm, moduleName } from "../names.ts";
import { card, cardsOf } from "./cards.ts";
import { driverProblems, isTrusted, machineState, type MachineState } from "./machineState.ts";
import { cordonedBy, isCordoned, isReady, kmmAccount, type NodeModulesConfig, type RollNode } from "./nodeState.ts";
import { parseRollState, type RollState } from "./rollState.ts";

/** One listed node. What couldn't be asked is null. */
export const nodeStatus = z.object({
  node: z.string(),
  /** In service, Ready, with nothing to do for anybody, and the wanted version loaded unless it is held. */
  fit: z.boolean(),
  /** Whether the cluster has such a Node. */
  exists: z.boolean(),
  held: z.boolean(),
  ready: z.boolean().nullable(),
  cordoned: z.boolean().nullable(),
  /** The stack that cordoned it; null where nobody did, or somebody else. */
  cordonedBy: z.string().nullable(),
  secureBoot: machineState.shape.secureBoot.nullable(),
  /** The signing key's state in the firmware, and whether the node accepts its modules: without Secure Boot it does. */
  key: z.object({ state: machineState.shape.key, trusted: z.boolean().nullable() }),
  /** The Module's version in the cluster, and the one that KMM may load on this node. */
  version: z.object({ wanted: z.string().nullable(), found: z.string().nullable() }),
  kernel: z.string().nullable(),
  /** KMM's account: `loaded`, or what it is doing; null while it has nothing to do with the node. */
  kmm: z.string().nullable(),
  /** The machine's own account of OpenOnload's driver: versions of the interfaces' drivers, and what is wrong. */
  driver: z.object({ versions: z.array(z.string()), problems: z.array(z.string()) }).nullable(),
  cards: z.array(card),
  /** The phase that a roll-out or a leaving has noted on the node, and since when (ISO 8601). */
  phase: z.object({ name: z.string(), since: z.string() }).nullable(),
  /** What a person must do for it now. */
  todo: z.string().nullable(),
  /** Why the machine couldn't be asked. */
  unreachable: z.string().nullable(),
});
export type NodeStatus = z.infer<typeof nodeStatus>;

/** All that `npm run status -- --json` prints. `schema` grows when a member changes its meaning or goes. */
export const stackStatus = z.object({ schema: z.literal(1), nodes: z.array(nodeStatus) });
export type StackStatus = z.infer<typeof stackStatus>;

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

/** What the nodes are held against. */
export interface StatusView {
  readonly namespace: string;
  readonly enrolment: Pick<Settings["enrolment"], "mode" | "timeoutMinutes">;
  /** The Module's version in the cluster; absent where there is no Module. */
  readonly wanted?: string | undefined;
}

/** @param now milliseconds since 1970 */
export function statusOf(report: NodeReport, view: StatusView, now: number): NodeStatus {
  const { node, machine } = report;
  const status = {
    ...{ node: report.name, fit: false, exists: node !== undefined, held: report.hold },
    ...ofCluster(report, view),
    ...ofMachine(machine),
    todo: (node && todoOf(report, node, view.enrolment, now)) ?? null,
    unreachable: report.unreachable ?? null,
  };
  return { ...status, fit: isFit(status) };
}

function ofCluster({ node, nmc }: NodeReport, { namespace, wanted }: StatusView) {
  const versions = { wanted: wanted ?? null, found: null };
  if (node === undefined) {
    const nothing = { ready: null, cordoned: null, cordonedBy: null, kmm: null, phase: null };
    return { ...nothing, version: versions };
  }
  const { labels, annotations: noted } = node.metadata;
  const account = kmmAccount(node, nmc, { namespace, module: moduleName });
  const phase = parseRollState(noted?.[annotations.roll]);
  return {
    ready: isReady(node),
    cordoned: isCordoned(node),
    cordonedBy: cordonedBy(node) ?? null,
    version: { ...versions, found: labels?.[kmm.versionLabel(namespace, moduleName)] ?? null },
    kmm: account === "-" ? null : account,
    phase: phase === undefined ? null : { name: phase.phase, since: phase.since },
  };
}

function ofMachine(machine: MachineState | undefined) {
  if (machine === undefined) {
    return { secureBoot: null, key: { state: null, trusted: null }, kernel: null, driver: null, cards: [] };
  }
  const versions = new Set(machine.interfaces.map(({ version }) => version ?? "?"));
  return {
    secureBoot: machine.secureBoot,
    key: { state: machine.key, trusted: isTrusted(machine) },
    kernel: machine.kernel,
    driver: { versions: [...versions], problems: driverProblems(machine) },
    cards: cardsOf(machine),
  };
}

/** A held node may run what it likes. Before the first `up` there is no version to hold one against. */
function isFit({ ready, cordoned, todo, held, kmm: account, driver, version }: Omit<NodeStatus, "fit">): boolean {
  if (ready !== true || cordoned !== false || todo !== null) return false;
  if (held) return true;
  const isWanted = version.wanted === null || version.found === version.wanted;
  return isWanted && account === "loaded" && driver?.problems.length === 0;
}

/** What MokManager waits for, as far as the node's own noted phase and its key tell. */
function todoOf(
  { name, machine, console }: NodeReport,
  node: RollNode,
  enrolment: StatusView["enrolment"],
  now: number,
): string | undefined {
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
