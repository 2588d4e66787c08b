/** What a run of the bench has found. */
import type { Usage } from "./usage.ts";

/** What is measured of a stack, in the order of its life. */
export const verbs = ["preview", "up", "noop", "destroy"] as const;
export type Verb = (typeof verbs)[number];

/** One run of both programs, one right after the other. */
export interface Round {
  readonly ours: Usage;
  readonly bare: Usage;
}

/** When something was measured: a table may hold what several runs have found. */
export interface Moment {
  /** YYYY-MM-DD hh:mm in UTC. */
  readonly at: string;
  /** Mean number of processes that ran or wanted to, in the minute before. */
  readonly load: number;
}

/** All rounds of one verb at one size. */
export interface Series extends Moment {
  readonly verb: Verb;
  readonly nodes: number;
  /** Resources that each program registers. */
  readonly resources: number;
  readonly rounds: readonly Round[];
}

/** A roll-out, or a leaving, of all nodes. */
export interface Turns {
  readonly what: "roll-out" | "roll-out with enrolment" | "leaving";
  readonly nodes: number;
  /** `rollout.maxParallel`. */
  readonly width: number;
  /** Seconds that a node was out of service, the mean of all. */
  readonly one: number;
  /** Seconds from the first node's going out to the last one's coming back. */
  readonly all: number;
}

/** The computer that was measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly node: string;
  readonly pulumi: string;
  readonly system: string;
}

/** Seconds and bytes of a start, round by round, by what is started. */
export interface Start {
  readonly what: string;
  readonly rounds: readonly Usage[];
}

export interface Results {
  readonly machine: Machine;
  readonly series: readonly Series[];
  readonly starts: readonly Start[];
  readonly turns: readonly Turns[];
}

/** Results with newer ones in the place of older ones of the same; on another machine nothing is kept. */
export function renewed(older: Results | undefined, newer: Results): Results {
  if (older === undefined || JSON.stringify(older.machine) !== JSON.stringify(newer.machine)) return sorted(newer);
  return sorted({
    machine: newer.machine,
    series: merged(older.series, newer.series, ({ verb, nodes }) => `${verb} ${nodes}`),
    starts: newer.starts.length > 0 ? newer.starts : older.starts,
    turns: merged(older.turns, newer.turns, ({ what, nodes }) => `${what} ${nodes}`),
  });
}

/** Several newer ones may belong to the same key, and take the place of all older ones of it. */
function merged<T>(older: readonly T[], newer: readonly T[], keyOf: (each: T) => string): T[] {
  const keys = new Set(newer.map(keyOf));
  return [...older.filter((each) => !keys.has(keyOf(each))), ...newer];
}

const sorted = (results: Results): Results => ({
  ...results,
  series: results.series.toSorted((a, b) => verbs.indexOf(a.verb) - verbs.indexOf(b.verb) || a.nodes - b.nodes),
  turns: results.turns.toSorted((a, b) => a.what.localeCompare(b.what) || a.nodes - b.nodes || a.width - b.width),
});
