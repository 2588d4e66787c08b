/** Which verbs are measured at which size, and how often. */
import type { Options } from "./options.ts";
import type { Verb } from "./results.ts";

/** What docs/performance.md is to tell of. */
export const sizes = [10, 100, 1000] as const;

/** Most nodes whose roll-out is played on one machine: each is a process of its own, and several kubectl. */
export const mostRolled = 100;
/** Up to here a whole life is short enough to be lived several times. */
const smallest = 10;

/** Rounds of a verb at a size; 0: it isn't measured there. */
export function roundsOf(verb: Verb, nodes: number, { only, rounds }: Pick<Options, "only" | "rounds">): number {
  if (!only.includes(verb)) return 0;
  const isLong = verb === "up" || verb === "destroy";
  if (nodes > mostRolled) return verb === "preview" ? 1 : 0;
  if (nodes > smallest) return isLong ? 1 : Math.min(rounds, 3);
  return isLong ? Math.ceil(rounds / 4) : rounds;
}

/** How many nodes are out of service at once. */
export const widthAt = (nodes: number): number => (nodes > smallest ? 10 : 2);
