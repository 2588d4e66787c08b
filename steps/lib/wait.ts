import { now, sleep } from "./clock.ts";
import { progress, StepError } from "./step.ts";

export interface Waiting {
  readonly timeoutSeconds: number;
  /** Seconds between two looks, once nothing has changed for a while; default 1. */
  readonly everySeconds?: number;
  /** What to do when the time is up; the error's second half. */
  readonly remedy: string;
}

/** What a look found: done with a value, or not yet, and what is still missing. */
export type Look<T> = { readonly done: T } | { readonly missing: string };

/** Seconds until the next look after something has changed: what moves is followed closely. */
const firstPause = 0.25;

/**
 * Looks again and again until `look` is done, and says what is missing whenever that changes.
 *
 * @throws StepError when the time is up, with what was still missing
 */
export async function waitUntil<T>(what: string, waiting: Waiting, look: () => Promise<Look<T>>): Promise<T> {
  const deadline = now() + waiting.timeoutSeconds * 1000;
  let said = "";
  let pause = firstPause;
  for (;;) {
    const found = await look();
    if ("done" in found) return found.done;
    if (found.missing !== said) {
      progress(`waiting for ${what}: ${found.missing}`);
      pause = firstPause;
    }
    said = found.missing;
    if (now() >= deadline) {
      throw new StepError(`${what}: not after ${waiting.timeoutSeconds} s: ${said}; ${waiting.remedy}`);
    }
    await sleep(pause * 1000);
    pause = Math.min(pause * 2, waiting.everySeconds ?? 1);
  }
}
