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

/** What turns took that ended with the node proven. @param histories the newest first */
export function measuredTurns(histories: readonly History[]): MeasuredTurns {
  const turns = histories.flatMap((history) => nodeReports(history).flatMap((node) => turnOf(node) ?? []));
  const median = (reboots: boolean) => {
    const lengths = turns.filter((turn) => turn.reboots === reboots).flatMap((turn) => lengthOf(turn) ?? []);
    const newest = lengths.slice(0, mostTurns);
    const each = medianOf(newest);
    return each === undefined ? undefined : { each, turns: newest.length };
  };
  return { reload: median(false), reboot: median(true) };
}

/** Milliseconds. */
export const lengthOf = ({ began, ended }: Turn): number | undefined =>
  ended === undefined ? undefined : ended - began;

/** The lower of the two middle ones where there are two. */
export function medianOf(numbers: readonly number[]): number | undefined {
  return [...numbers].sort((one, other) => one - other)[Math.floor((numbers.length - 1) / 2)];
}
