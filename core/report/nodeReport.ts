/** What became of each node in one run. */
import { releaseOrTag } from "../build/imageTag.ts";
import { leaveNode } from "../contracts/leaveNode.ts";
import { proveNode, type NodeProof } from "../contracts/proveNode.ts";
import type { ErrorId } from "../errors.ts";
import type { History, StepAccount } from "./history.ts";
import type { NodeBefore } from "./records.ts";

/** How a node came out of a run. */
export type Outcome =
  /** Rolled, and proven to run what is wanted. */
  | "proven"
  /** Runs what is wanted already: nothing was done. */
  | "same"
  /** The key waits for a reboot in the operator's own window. */
  | "pending"
  | "held"
  /** Handed back: it left the stack. */
  | "left"
  | "failed"
  /** A step about it has no end: at work, or killed. */
  | "open"
  /** Rolled; the run ended before it was proven. */
  | "unproven"
  /** The run ended before the node's turn. */
  | "waiting";

export interface NodeReport {
  readonly name: string;
  readonly outcome: Outcome;
  /** What it was found to be before the first change; undefined for a node that the program didn't list. */
  readonly before: NodeBefore | undefined;
  /** What was seen on it after its roll-out. */
  readonly proof: NodeProof | undefined;
  /** OpenOnload's release, as KMM reports it; undefined where it reports none. */
  readonly release: { readonly before: string | undefined; readonly now: string | undefined };
  /** In the order in which they began. */
  readonly steps: readonly StepAccount[];
  readonly failure: { readonly error: ErrorId; readonly message: string } | undefined;
  /** Why it was to be done; undefined where it needn't, or that isn't known. */
  readonly reason: string | undefined;
}

/** The listed nodes in their order, then those that leave. */
export function nodeReports(history: History): NodeReport[] {
  const listed = history.run.nodes;
  const others = history.steps
    .flatMap(({ node }) => node ?? [])
    .filter((node) => !listed.some(({ name }) => name === node));
  const leaving = [...new Set(others)].sort().map((name) => ({ name, hold: false, before: undefined }));
  return [...listed, ...leaving].map((node) => nodeReport(history, node));
}

interface ListedNode {
  readonly name: string;
  readonly hold: boolean;
  readonly before?: NodeBefore | undefined;
}

function nodeReport(history: History, { name, hold, before }: ListedNode): NodeReport {
  const steps = history.steps.filter(({ node }) => node === name);
  const proof = proofIn(steps);
  const outcome = outcomeOf({ steps, hold, proof, isSame: isSame(history, name) });
  const was = releaseIn(before?.image);
  const loaded = releaseIn(proof?.image);
  return {
    ...{ name, outcome, before, proof, steps },
    release: { before: was, now: proof === undefined ? (isUntouched(outcome) ? was : undefined) : loaded },
    failure: steps.findLast(({ failure }) => failure !== undefined)?.failure,
    reason: history.plan?.[name] ?? undefined,
  };
}

const releaseIn = (image: string | undefined): string | undefined =>
  image === undefined ? undefined : releaseOrTag(image);

/** Whether nothing was done to the node in this run. */
const isUntouched = (outcome: Outcome): boolean => ["same", "held", "waiting"].includes(outcome);

const endedAs = (step: StepAccount, program: string): boolean => step.step === program && step.outcome === "done";

function proofIn(steps: readonly StepAccount[]): NodeProof | undefined {
  const proven = steps.findLast((step) => endedAs(step, proveNode.program));
  return proveNode.answer.safeParse(proven?.answer).data;
}

/** Whether the node needn't be done: the plan says so, or the program is content without it. */
function isSame({ plan, finished }: History, name: string): boolean {
  return finished === true || plan?.[name] === null;
}

interface Seen {
  readonly steps: readonly StepAccount[];
  readonly hold: boolean;
  readonly proof: NodeProof | undefined;
  readonly isSame: boolean;
}

function outcomeOf({ steps, hold, proof, isSame }: Seen): Outcome {
  if (steps.some(({ outcome }) => outcome === "failed")) return "failed";
  if (steps.some(({ outcome }) => outcome === "open")) return "open";
  if (steps.some((step) => endedAs(step, leaveNode.program))) return "left";
  if (proof !== undefined) return proof.state;
  if (hold) return "held";
  if (steps.some((step) => endedAs(step, "rollNode"))) return "unproven";
  return isSame ? "same" : "waiting";
}
