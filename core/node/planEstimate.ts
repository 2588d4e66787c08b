/** How long a roll-out will take: from what earlier ones took, or else from an assumption that says so. */
import { counted, duration } from "../words.ts";
import { roundsOf } from "./rolloutOrder.ts";

/** What a node's turn took before, from its roll-out's begin to its proof. */
interface MeasuredTurn {
  /** The median, in milliseconds. */
  readonly each: number;
  /** How many turns it is the median of. */
  readonly turns: number;
}

/** Turns without a reboot into MokManager or for `db`, and with one; absent where none was recorded. */
export interface MeasuredTurns {
  readonly reload?: MeasuredTurn | undefined;
  readonly reboot?: MeasuredTurn | undefined;
}

/** Minutes that a bare-metal server takes, with a wide margin: a reboot is mostly its firmware's self-test. */
export const nodeMinutes = { reload: 5, reboot: 15 } as const;

/** What an estimate is made from. */
interface Outing {
  /** How many nodes go out of service. */
  readonly nodes: number;
  /** Whether one of them may reboot. */
  readonly reboots: boolean;
  readonly maxParallel: number;
  readonly builds: boolean;
}

/** (1 + ⌈(N−1)/maxParallel⌉)·R. */
export function estimate({ nodes, reboots, maxParallel, builds }: Outing, measured: MeasuredTurns): string {
  const kind = reboots ? "reboot" : "reload";
  const before = measured[kind];
  const each = before?.each ?? nodeMinutes[kind] * 60_000;
  const total = roundsOf(nodes, maxParallel) * each;
  const source =
    before === undefined
      ? `if a node takes ${duration(each)}`
      : `at ${duration(each)} a node, the median of ${counted(before.turns, "node")} before`;
  return `About ${duration(total)}, ${source}${builds ? ", and the builds before that" : ""}.`;
}
