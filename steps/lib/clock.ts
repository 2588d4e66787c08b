/**
 * The steps' only clock: code that reads the time, pauses or sets a limit does it here, so that tests can replace the time
 * and wait for nothing. Limits that a library keeps by itself (for a socket, for an SSH login) run in real time.
 */
import { setTimeout as pause } from "node:timers/promises";

/** All lengths are milliseconds. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** A pause of this length, or until `signal` aborts. A limit to another wait is no pause: see `after`. */
  sleep(length: number, signal?: AbortSignal): Promise<void>;
  /** Calls `act` once after this time, unless the returned function is called before: a limit to another wait. */
  after(length: number, act: () => void): () => void;
  /** Calls `act` again and again until the returned function is called. */
  every(length: number, act: () => void): () => void;
}

let clock: Clock = {
  now: () => Date.now(),
  sleep: (length, signal) => pause(length, undefined, { signal }).catch(() => undefined),
  after: (length, act) => {
    const timer = setTimeout(act, length);
    return () => clearTimeout(timer);
  },
  every: (length, act) => {
    const timer = setInterval(act, length);
    return () => clearInterval(timer);
  },
};

/** From now on this process uses another clock; for tests. */
export function liveBy(other: Clock): void {
  clock = other;
}

export const now: Clock["now"] = () => clock.now();
export const sleep: Clock["sleep"] = (length, signal) => clock.sleep(length, signal);
export const after: Clock["after"] = (length, act) => clock.after(length, act);
export const every: Clock["every"] = (length, act) => clock.every(length, act);

/** What `wait` resolves to, or undefined if that takes longer. */
export function within<T>(length: number, wait: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = after(length, () => resolve(undefined));
    void wait.finally(cancel).then(resolve, reject);
  });
}

/** The time as Kubernetes and annotations write it: ISO 8601 in UTC, to the millisecond. */
export const timestamp = (): string => new Date(now()).toISOString();
