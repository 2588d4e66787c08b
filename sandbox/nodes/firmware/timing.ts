import { setTimeout as pause } from "node:timers/promises";

/** How the firmware waits; lengths are milliseconds. A test that knows every waiter can put its own time in the place of this. */
export interface Timing {
  sleep(length: number): Promise<void>;
  /** Calls `act` when this long has passed, unless the answer is called before. */
  after(length: number, act: () => void): () => void;
}

export const realTiming: Timing = {
  sleep: (length) => pause(length),
  after: (length, act) => {
    const timer = setTimeout(act, length);
    return () => clearTimeout(timer);
  },
};
