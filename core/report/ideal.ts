/** How long a roll-out could take at best, and where each node's turn would be. */
import { nodeMinutes } from "../node/planEstimate.ts";
import { predecessor } from "../node/rolloutOrder.ts";
import type { NodeReport } from "./nodeReport.ts";
import { lengthOf, medianOf, turnOf } from "./turns.ts";

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

/** @returns undefined where no node was rolled */
export function idealOf(nodes: readonly NodeReport[], maxParallel: number): Ideal | undefined {
  const turns = nodes.flatMap((node) => turnOf(node) ?? []).sort((one, other) => one.began - other.began);
  const [first] = turns;
  if (first === undefined) return undefined;
  const toCome = nodes.filter(({ outcome, reason }) => outcome === "waiting" && reason !== undefined);
  const measured = medianOf(turns.flatMap((turn) => lengthOf(turn) ?? []));
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
