/** Runs one operation with its accidents to its end, and whatever other runs it has brought about. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "../faults/running.ts";
import type { Scene } from "../faults/scene.ts";
import { happen, taint, tidy, type Met } from "./accidents.ts";
import { startAt } from "./bastion.ts";
import { liftedByUs } from "./invariants.ts";
import { Place, type Hands } from "./place.ts";
import type { Operation } from "./plan.ts";
import { nodesOf } from "./snapshot.ts";

/** Minutes: far more than the waits of an operation can be together. */
const longestMinutes = 20;

export interface Ran {
  readonly verb: Operation["verb"];
  /** Ended by itself, with exit code 0. */
  readonly isGreen: boolean;
  readonly hasEnded: boolean;
  readonly output: string;
  readonly met: readonly Met[];
  readonly rolled: readonly string[];
  /** Nodes that somebody's hand has changed in it. */
  readonly disturbed: readonly string[];
  /** Something was deleted by hand in it. */
  readonly hasLost: boolean;
  /** Another run was at work on the same stack. */
  readonly wasAlone: boolean;
  /** What of other people's cordons and taints is gone. */
  readonly lifted: readonly string[];
}

/** What an operation begins with. */
interface Circumstances {
  readonly hands: Hands;
  /** Whether the state holds a stack that was up. */
  readonly isUp: boolean;
  readonly rolled: readonly string[];
  readonly stop: AbortSignal;
}

export async function operate(
  scene: Scene,
  { verb, skewSeconds, accidents }: Operation,
  { rolled, stop, ...known }: Circumstances,
): Promise<Ran> {
  const running = startAt(scene.stack, verb, skewSeconds);
  const place = new Place(scene, running, known);
  stop.addEventListener("abort", () => running.kill("power"), { once: true });
  const happening = accidents.map((accident) => happen(place, accident));
  const hasEnded = await endOf(running);
  place.over();
  const met = await Promise.all(happening);
  const ends = await Promise.all(place.seconds.map(endOf));
  const { exitCode, output } = await running.end();
  const lifted = await liftedIn(place);
  await tidy(place);
  return {
    ...{ verb, met, rolled, lifted },
    isGreen: exitCode === 0,
    hasEnded: hasEnded && ends.every((ended) => ended),
    output: [output, ...place.seconds.map((second) => `\nsecond bastion:\n${second.output}`)].join(""),
    disturbed: [...place.disturbed],
    hasLost: place.hasLost,
    wasAlone: place.seconds.length === 0,
  };
}

/** Resolves when a run has ended; false when it had to be killed. */
async function endOf(running: Running): Promise<boolean> {
  const giveUp = new AbortController();
  const late = sleep(longestMinutes * 60_000, "late" as const, { signal: giveUp.signal }).catch(() => "late" as const);
  const first = await Promise.race([running.end(), late]);
  giveUp.abort();
  if (first !== "late") return true;
  running.kill("power");
  await running.end();
  return false;
}

async function liftedIn({ scene, cordoned, tainted }: Place): Promise<string[]> {
  if (cordoned.size + tainted.size === 0) return [];
  return liftedByUs(await nodesOf(scene), { cordoned: [...cordoned], tainted: [...tainted], taint });
}
