import { constants } from "node:os";

type End = () => Promise<unknown>;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const ends = new Set<End>();

/**
 * Has `end` called when a signal ends this process, which goes once all that was given here has ended. For what lives on by
 * itself, as a sandbox's processes do. A program with a handler of its own for the signal ends by that one: nothing is called here.
 *
 * @returns forgets `end`
 */
export function atSignal(end: End): () => void {
  if (ends.size === 0) for (const signal of signals) process.on(signal, endAll);
  ends.add(end);
  return () => {
    ends.delete(end);
    if (ends.size === 0) for (const signal of signals) process.off(signal, endAll);
  };
}

function endAll(signal: (typeof signals)[number]): void {
  if (process.listenerCount(signal) > 1) return;
  const ending = Promise.allSettled([...ends].map((end) => end()));
  void ending.then(() => process.exit(128 + constants.signals[signal]));
}
