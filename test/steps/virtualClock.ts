/** Time that passes at once, and only where somebody waits for it. */
import { setImmediate as oneTurn, setTimeout as realPause } from "node:timers/promises";
import type { Clock } from "../../steps/lib/clock.ts";

interface Due {
  readonly at: number;
  readonly act: () => void;
}

/** Turns of the event loop after which output that was on its way has come, a terminal emulator's own timers included. */
const settlingTurns = 4;

/**
 * A clock that stands still, but for a pause: that ends as soon as the process has nothing else at hand, and moves the
 * time on by its length. A limit to another wait never moves the time, so that what is waited for is never late, however
 * slow the machine is; it passes when a pause, or the test, goes beyond it.
 */
export class VirtualClock implements Clock {
  readonly #limitsPass: boolean;
  #now = Date.now();
  readonly #limits = new Set<Due>();
  readonly #pauses = new Set<Due>();
  #turning = false;

  /** @param options `limitsPass`: limits move the time as pauses do; only where all that is waited for is in this process */
  constructor({ limitsPass = false } = {}) {
    this.#limitsPass = limitsPass;
  }

  now(): number {
    return this.#now;
  }

  sleep(length: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const due = { at: this.#now + length, act: resolve };
      this.#pauses.add(due);
      signal?.addEventListener("abort", () => {
        this.#pauses.delete(due);
        resolve();
      });
      this.#turn();
    });
  }

  after(length: number, act: () => void): () => void {
    const due = { at: this.#now + length, act };
    this.#limits.add(due);
    this.#turn();
    return () => this.#limits.delete(due);
  }

  every(length: number, act: () => void): () => void {
    let cancel = (): unknown => undefined;
    const again = (): void => {
      cancel = this.after(length, () => {
        again();
        act();
      });
    };
    again();
    return () => void cancel();
  }

  /** Moves the time on, and lets everything happen that is due by then, in its order. */
  advance(length: number): void {
    const end = this.#now + length;
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#now = Math.max(this.#now, next.at);
      this.#limits.delete(next);
      this.#pauses.delete(next);
      next.act();
    }
    this.#now = end;
  }

  #next(): Due | undefined {
    return earliest([...this.#pauses, ...this.#limits]);
  }

  #turn(): void {
    if (this.#turning) return;
    this.#turning = true;
    void this.#passOn().finally(() => {
      this.#turning = false;
      if (this.#moving() !== undefined) this.#turn();
    });
  }

  /** Ends what is next in the event loop's next turn, so that output and input come first. */
  async #passOn(): Promise<void> {
    await oneTurn();
    const due = this.#moving();
    if (due === undefined) return;
    for (let turn = 0; this.#limits.has(due) && turn < settlingTurns; turn += 1) await realPause(1);
    if (this.#moving() === due) this.advance(due.at - this.#now);
  }

  /** What moves the time next. */
  #moving(): Due | undefined {
    return this.#limitsPass ? this.#next() : earliest([...this.#pauses]);
  }
}

const earliest = (dues: readonly Due[]): Due | undefined =>
  dues.reduce<Due | undefined>((first, due) => (first === undefined || due.at < first.at ? due : first), undefined);
