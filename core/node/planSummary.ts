/** What a run will do to the nodes, in a few sentences: the end of a preview. */
import type { EnrolmentMode } from "../configuration/choices.ts";
import { expectedOn, type ModuleTarget } from "./nodeState.ts";
import { estimate, type MeasuredTurns } from "./planEstimate.ts";
import { buildSentence, kernelsToBuild, releaseSentence } from "./planImages.ts";
import { deviation, trustedBy, type NodeReality } from "./reality.ts";

/** What the sentences are made from. */
export interface PlanView {
  readonly stack: string;
  /** The stack's namespace. */
  readonly namespace: string;
  /** The version of OpenOnload that is wanted. */
  readonly release: string;
  /** The listed nodes, in the list's order. */
  readonly nodes: readonly { readonly hold: boolean; readonly reality: NodeReality }[];
  /** What they are to load; undefined while a new key pair or namespace makes it unknown: then all of them are rolled. */
  readonly target: ModuleTarget | undefined;
  /** Whether modules are signed with the present key, with a stack's first one, or with another one than before. */
  readonly key: "kept" | "first" | "another";
  readonly mode: EnrolmentMode;
  readonly maxParallel: number;
  /** Nodes that bear the stack's label and are listed no more. */
  readonly leaving: readonly string[];
  /** Names of the pools that are being updated, and so would stop a roll-out. */
  readonly updatingPools: readonly string[];
  /** Kernels to build for before a node boots them. */
  readonly nextKernels: readonly string[];
  /** Tags of the images that KMM has built and signed for this stack. */
  readonly signed: readonly string[];
  /** What nodes' turns took in earlier runs. */
  readonly measured: MeasuredTurns;
}

/** What becomes of one node. */
type Fate =
  /** Proven to be what it shall be. */
  | "same"
  | "held"
  /** Drained, and the modules loaded, without a reboot. */
  | "reload"
  /** Drained and rebooted, because its firmware doesn't trust the key. */
  | "reboot"
  /** Drained; whether it reboots could not be asked. */
  | "unsure"
  /** Asked to enrol the key at the operator's own reboot. */
  | "pending";

/** Most names in one sentence; a list of forty hides the number. */
const mostNames = 8;

const enrolling: Readonly<Record<EnrolmentMode, string>> = {
  attended: "a person answers MokManager on its console",
  console: "the script on its serial console answers MokManager",
  redfish: "its firmware takes the key into db",
  operator: "it enrols the key",
  off: "it trusts the key",
};

/** One sentence a line; what is dangerous comes last and begins in capitals. */
export function planSummary(view: PlanView): string[] {
  const fates = view.nodes.map((node) => ({ name: node.reality.node.metadata.name, fate: fateOf(node, view) }));
  const those = (...wanted: Fate[]) => fates.filter(({ fate }) => wanted.includes(fate)).map(({ name }) => name);
  const out = those("reload", "reboot", "unsure");
  const realities = view.nodes.map(({ reality }) => reality);
  const toBuild = kernelsToBuild({ ...view, nodes: realities });
  const outing = { nodes: out.length, reboots: those("reboot", "unsure").length > 0, builds: toBuild.size > 0 };
  return [
    ...drained(out, view.maxParallel),
    ...releaseSentence(
      realities.filter(({ node }) => out.includes(node.metadata.name)),
      view.namespace,
      view.release,
    ),
    ...about(those("reboot"), (nodes) => `${count(nodes)} rebooted, where ${enrolling[view.mode]}: ${list(nodes)}.`),
    ...about(those("unsure"), (nodes) => `Of ${list(nodes)} it isn't known whether the key needs a reboot.`),
    ...about(
      those("pending"),
      (nodes) => `${count(nodes)} waiting for a reboot of yours that enrols the key: ${list(nodes)}.`,
    ),
    ...about(those("held"), (nodes) => `${count(nodes)} on hold: ${list(nodes)}.`),
    ...about(those("same"), (nodes) => `${count(nodes)} unchanged.`),
    ...buildSentence(toBuild),
    ...(out.length === 0 ? [] : [estimate({ ...outing, maxParallel: view.maxParallel }, view.measured)]),
    ...dangers(view, out.length > 0),
  ];
}

function fateOf({ hold, reality }: PlanView["nodes"][number], { target, key, mode, stack }: PlanView): Fate {
  if (hold) return "held";
  const wanted = target && expectedOn(reality.node.status.nodeInfo.kernelVersion, target);
  if (wanted !== undefined && deviation(reality, wanted, stack) === undefined) return "same";
  const trusted = isTrustedThen(reality.machine, key);
  if (trusted === undefined) return "unsure";
  if (trusted || mode === "off") return "reload";
  return mode === "operator" ? "pending" : "reboot";
}

/** Whether the firmware trusts the key that modules will be signed with; undefined where that couldn't be asked. */
function isTrustedThen(machine: NodeReality["machine"], key: PlanView["key"]): boolean | undefined {
  if (machine === undefined || "unreachable" in machine) return undefined;
  return key === "kept" ? trustedBy(machine) : machine.secureBoot !== "enabled";
}

function drained(out: readonly string[], maxParallel: number): string[] {
  if (out.length === 0) return ["No node goes out of service."];
  const order = out.length === 1 ? "" : `, the canary first, then at most ${maxParallel} at a time`;
  return [`${count(out)} drained${order}: ${list(out)}.`];
}

function dangers({ key, mode, nodes, leaving, updatingPools }: PlanView, goesOut: boolean): string[] {
  const usesMokManager = mode !== "off" && mode !== "redfish";
  return [
    ...(key === "another" && nodes.length > 0
      ? [
          `NEW SIGNING KEY: every node with Secure Boot on must enrol it${usesMokManager ? " in MokManager" : ""}; there is no way back to the old key.`,
        ]
      : []),
    ...about(leaving, (names) => `LEAVING THE STACK: ${list(names)}: drained, and the modules unloaded.`),
    ...(goesOut
      ? about(
          updatingPools,
          (names) => `POOLS ARE UPDATING: ${list(names)}: \`up\` would build, and stop before their nodes.`,
        )
      : []),
  ];
}

const about = (names: readonly string[], say: (names: readonly string[]) => string): string[] =>
  names.length === 0 ? [] : [say(names)];

const count = ({ length }: readonly string[]): string => (length === 1 ? "1 node is" : `${length} nodes are`);

function list(names: readonly string[]): string {
  const rest = names.length - mostNames;
  return rest <= 0 ? names.join(", ") : `${names.slice(0, mostNames).join(", ")} and ${rest} more`;
}
