/** What a node's turn took in runs that are recorded. */
import { proveNode } from "../contracts/proveNode.ts";
import { rollNode } from "../contracts/rollNode.ts";
import type { MeasuredTurns } from "../node/planEstimate.ts";
import type { History } from "./history.ts";
import { nodeReports, type NodeReport } from "./nodeReport.ts";

/** One node's turn as it was: from its roll-out's begin to its proof's end. */
export interface Turn {
  readonly name: string;
  readonly began: number;
  /** Undefined unless the node is proven. */
  readonly ended: number | undefined;
  readonly reboots: boolean;
}

/** Turns that an estimate is made from, the newest: hardware and firmware change. */
const mostTurns = 50;

/** A node that was only looked at had no turn. */
export function turnOf({ name, steps, outcome }: NodeReport): Turn | undefined {
  const roll = steps.findLast(({ step }) => step === rollNode.program);
  if (roll === undefined || roll.phases.length === 0) return undefined;
  const proof = steps.findLast(({ step }) => step === proveNode.program);
  const ended = outcome === "proven" ? (proof?.ended ?? roll.ended) : undefined;
  return { name, began: roll.began, ended, reboots: roll.phases.some((phase) => phase.name === "enrol") };
}

/** What turns took that ended with the node proven. @param histories the newest first, and no more of them than are needed */
export function measuredTurns(histories: Iterable<History>): MeasuredTurns {
  const lengths = { reload: [] as number[], reboot: [] as number[] };
  for (const history of histories) {
    for (const turn of nodeReports(history).flatMap((node) => turnOf(node) ?? [])) {
      const length = lengthOf(turn);
      if (length !== undefined) lengths[turn.reboots ? "reboot" : "reload"].push(length);
    }
    if (Object.values(lengths).every(({ length }) => length >= mostTurns)) break;
  }
  return { reload: measured(lengths.reload), reboot: measured(lengths.reboot) };
}

function measured(lengths: readonly number[]): MeasuredTurns["reload"] {
  const newest = lengths.slice(0, mostTurns);
  const each = medianOf(newest);
  return each === undefined ? undefined : { each, turns: newest.length };
}

/** Milliseconds. */
export const lengthOf = ({ began, ended }: Turn): number | undefined =>
  ended === undefined ? undefined : ended - began;

/** The lower of the two middle ones where there are two. */
export function medianOf(numbers: readonly number[]): number | undefined {
  return [...numbers].sort((one, other) => one - other)[Math.floor((numbers.length - 1) / 2)];
}
