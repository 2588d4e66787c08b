/** How long a roll-out could take at best, and where each node's turn would be. */
import { rollNode } from "../contracts/rollNode.ts";
import { proveNode } from "../contracts/proveNode.ts";
import { nodeMinutes } from "../node/planSummary.ts";
import { predecessor } from "../node/rolloutOrder.ts";
import type { NodeReport } from "./nodeReport.ts";

/** The best that the roll-out's order allows, if every node took as long as the one in the middle did. Milliseconds. */
export interface Ideal {
  /** What one node takes. */
  readonly each: number;
  /** Whether that was measured in this run. */
  readonly measured: boolean;
  /** Begin of each node's turn, since 1970. */
  readonly turns: ReadonlyMap<string, number>;
  /** From the first node's begin to the last one's end. */
  readonly total: number;
  /** The same as it was; undefined unless every node of the order is proven. */
  readonly taken: number | undefined;
}

/** One node's turn as it was: from its roll-out's begin to its proof's end. */
interface Turn {
  readonly name: string;
  readonly began: number;
  readonly ended: number | undefined;
  readonly reboots: boolean;
}

/** @returns undefined where no node was rolled */
export function idealOf(nodes: readonly NodeReport[], maxParallel: number): Ideal | undefined {
  const turns = nodes.flatMap((node) => turnOf(node) ?? []).sort((one, other) => one.began - other.began);
  const [first] = turns;
  if (first === undefined) return undefined;
  const toCome = nodes.filter(({ outcome, reason }) => outcome === "waiting" && reason !== undefined);
  const measured = median(turns.flatMap(({ began, ended }) => (ended === undefined ? [] : [ended - began])));
  const assumed = turns.some(({ reboots }) => reboots) ? nodeMinutes.reboot : nodeMinutes.reload;
  const each = measured ?? assumed * 60_000;
  const order = [...turns, ...toCome].map(({ name }) => name);
  const begins: number[] = [];
  for (const index of order.keys()) {
    const before = predecessor(index, maxParallel);
    begins.push(before === undefined ? first.began : (begins[before] ?? first.began) + each);
  }
  const ends = turns.flatMap(({ ended }) => ended ?? []);
  return {
    ...{ each, measured: measured !== undefined },
    turns: new Map(order.map((name, index) => [name, begins[index] ?? first.began])),
    total: Math.max(...begins) + each - first.began,
    taken: ends.length === order.length ? Math.max(...ends) - first.began : undefined,
  };
}

/** A node that was only looked at had no turn. */
function turnOf({ name, steps, outcome }: NodeReport): Turn | undefined {
  const roll = steps.findLast(({ step }) => step === rollNode.program);
  if (roll === undefined || roll.phases.length === 0) return undefined;
  const proof = steps.findLast(({ step }) => step === proveNode.program);
  const ended = outcome === "proven" ? (proof?.ended ?? roll.ended) : undefined;
  return { name, began: roll.began, ended, reboots: roll.phases.some((phase) => phase.name === "enrol") };
}

/** The lower of the two middle ones where there are two. */
function median(numbers: readonly number[]): number | undefined {
  return [...numbers].sort((one, other) => one - other)[Math.floor((numbers.length - 1) / 2)];
}
