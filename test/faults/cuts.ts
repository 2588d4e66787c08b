/** Cuts: where a command is killed, and what of it. One run after another is cut, each a little later than the last. */
import assert from "node:assert/strict";
import type { SwitchName } from "@onload-kmm/sandbox/switches";
import type { Victim } from "./running.ts";
import type { Scene } from "./scene.ts";

export interface Cut {
  /** What the command prints just before. */
  readonly when: RegExp;
  readonly victim: Victim;
  /** Switches that are set before this run, to hold the moment. */
  readonly hold?: Partial<Record<SwitchName, string | null>>;
}

const hold = (name: SwitchName, pattern: string | null) => ({ [name]: pattern });

/** The first `up`, on nodes worker-1 and worker-2. */
export const upCuts: readonly Cut[] = [
  { when: /@ updating/, victim: "engine", hold: hold("build.hang", "onload-srpm") },
  // Branches race here: whatever is being made, something is, for the source's build is held.
  { when: / creating \(/, victim: "power" },
  { when: / creating \(/, victim: "plugin kubernetes" },
  { when: / creating \(/, victim: "engine" },
  { when: /source-upload creating/, victim: "power" },
  { when: /onload-srpm-\d+: Running/, victim: "step uploadSrpm" },
  { when: /:Module module creating/, victim: "engine", hold: hold("build.hang", "onload-build") },
  { when: /onload-build-[\w-]+: Running/, victim: "power" },
  { when: /module-build creating/, victim: "plugin command", hold: hold("build.hang", "onload-sign") },
  { when: /onload-sign-[\w-]+: Running/, victim: "step followModuleBuild" },
  { when: /worker-1-roll creating/, victim: "power", hold: hold("build.hang", null) },
  { when: /worker-1: cordoned/, victim: "power" },
  { when: /worker-1: draining/, victim: "step rollNode" },
  { when: /worker-1: KMM may load/, victim: "power" },
  { when: /worker-1-proof creat/, victim: "engine" },
  { when: /worker-2: cordoned/, victim: "engine" },
];

/** `up` of a forced rebuild on the same stack. */
export const rebuildCuts: readonly Cut[] = [
  { when: /:Module module updating/, victim: "engine", hold: hold("build.hang", "onload-build") },
  { when: /onload-build-[\w-]+: Running/, victim: "step followModuleBuild" },
  { when: /module-build updating/, victim: "power", hold: hold("build.hang", null) },
  { when: /worker-1: draining/, victim: "power" },
  { when: /worker-1: KMM may load/, victim: "step rollNode" },
  { when: /worker-2: cordoned/, victim: "plugin command" },
];

/** `destroy` of the whole stack. */
export const destroyCuts: readonly Cut[] = [
  { when: /guard deleting/, victim: "engine" },
  { when: /worker-\d-claim deleting/, victim: "power" },
  { when: /worker-\d: (cordoned|draining)/, victim: "power" },
  { when: /worker-\d: KMM unloads/, victim: "engine" },
  { when: /:Module module deleting/, victim: "power" },
  { when: /Namespace onload deleting/, victim: "engine" },
];

/**
 * Runs the command again and again, killed once at each cut, and then to its end.
 *
 * @returns how many of the cuts were reached; a killed run's orphans may do a later cut's work first
 */
export async function cutThrough(
  scene: Scene,
  verb: "up" | "destroy",
  cuts: readonly Cut[],
  ...args: string[]
): Promise<number> {
  let reached = 0;
  for (const { when, victim, hold } of cuts) {
    if (hold !== undefined) await scene.set(hold);
    if (await scene.tryCut(verb, when, victim, ...args)) reached += 1;
    await scene.unlock(verb);
  }
  await scene.again(verb, ...args);
  return reached;
}

/** A few cuts may be missed: what an orphan does meanwhile isn't done again. */
export function assertReached(reached: number, cuts: readonly Cut[]): void {
  assert.ok(reached >= Math.ceil(cuts.length * 0.75), `only ${reached} of ${cuts.length} cuts were reached`);
}
