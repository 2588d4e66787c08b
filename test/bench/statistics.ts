import { roundsOf } from "../../core/node/rolloutOrder.ts";

/** The smallest of some numbers, the one in the middle, and the largest. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** @throws Error where there is nothing: a measurement that wasn't made has no middle */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  const [lower, upper] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  if (least === undefined || most === undefined || lower === undefined || upper === undefined) {
    throw new Error("no values");
  }
  return { least, median: (lower + upper) / 2, most };
}

/** What one node more costs, between two sizes. */
export const slope = (small: Point, large: Point): number => (large.value - small.value) / (large.nodes - small.nodes);

export interface Point {
  readonly nodes: number;
  readonly value: number;
}

/** Seconds of an ideal roll-out: the canary, then `width` nodes side by side, `one` seconds each. */
export const idealRollOut = (nodes: number, width: number, one: number): number => roundsOf(nodes, width) * one;

/** Seconds of an ideal leaving: `width` nodes side by side, without a canary. */
export const idealLeaving = (nodes: number, width: number, one: number): number => Math.ceil(nodes / width) * one;
