import { AsyncLocalStorage } from "node:async_hooks";

const deadlines = new AsyncLocalStorage<number>();

/** Runs `work` with a time, in ms since 1970, after which nothing in it may start another try; an earlier deadline stays. */
export const withDeadline = <T>(time: number, work: () => Promise<T>): Promise<T> =>
  deadlines.run(Math.min(time, currentDeadline()), work);

/** When the wait around this call is over. */
export const currentDeadline = (): number => deadlines.getStore() ?? Infinity;
