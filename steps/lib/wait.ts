import type { ErrorId } from "../../core/errors.ts";
import { firstLookSeconds, lastTrySeconds, lookSeconds, todoReminderSeconds } from "../../core/patience.ts";
import { now, sleep } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import { ServerAway } from "../cluster/kubectlError.ts";
import { instruct, progress, StepError } from "./step.ts";

export interface Waiting {
  readonly timeoutSeconds: number;
  /** The configuration's key that sets this limit; it holds while the API server is away, too. Absent: a limit of our own. */
  readonly setting?: string;
  /** Seconds between two looks, once nothing has changed for a while; default `lookSeconds`. */
  readonly everySeconds?: number;
  /** Name of the error when the time is up. */
  readonly error: ErrorId;
  /** What to do then; the error's second half. */
  readonly remedy: string;
}

/** What a look found: done with a value, or not yet, and what is still missing. */
export type Look<T> = { readonly done: T } | { readonly missing: string; readonly todo?: Todo | undefined };

/** What a person must do for the wait to end, in one line, with the minutes that are left. */
export type Todo = (minutesLeft: number) => string;

/**
 * Looks again and again until `look` is done, and says what is missing whenever that changes.
 *
 * @throws StepError when the time is up, with what was still missing
 */
export async function waitUntil<T>(what: string, waiting: Waiting, look: () => Promise<Look<T>>): Promise<T> {
  const deadline = now() + waiting.timeoutSeconds * 1000;
  let said = "";
  let remindAt = 0;
  let pause = firstLookSeconds;
  const timeUp = (missing: string) =>
    new StepError(
      waiting.error,
      `timed out after ${waiting.timeoutSeconds} s waiting for ${what}: ${missing}; ${wayOn(waiting)}`,
    );
  const lastTry = waiting.setting === undefined ? Infinity : deadline;
  for (;;) {
    const found = await withDeadline(lastTry, look).catch((error: unknown) => {
      if (!(error instanceof ServerAway) || now() < lastTry - lastTrySeconds * 1000) throw error;
      throw timeUp(`${said === "" ? "" : `${said}; `}the API server is away (${error.message})`);
    });
    if ("done" in found) return found.done;
    const isNews = found.missing !== said;
    if (isNews) {
      progress(`waiting for ${what}: ${found.missing}`);
      pause = firstLookSeconds;
    }
    // Last, and again: of each step Pulumi shows the last line only.
    if (found.todo !== undefined && (isNews || now() >= remindAt)) {
      instruct(found.todo((deadline - now()) / 60_000));
      remindAt = now() + todoReminderSeconds * 1000;
    }
    said = found.missing;
    if (now() >= deadline) throw timeUp(said);
    await sleep(pause * 1000);
    pause = Math.min(pause * 2, waiting.everySeconds ?? lookSeconds);
  }
}

const wayOn = ({ remedy, setting }: Waiting): string =>
  setting === undefined ? remedy : `${remedy}; to allow more time, raise onload-kmm:${setting}`;
