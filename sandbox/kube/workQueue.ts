/** Options of a {@link WorkQueue}. */
export interface WorkQueueOptions {
  /** Does the work for one key; a throw means "again later". */
  reconcile: (key: string) => Promise<void>;
  /** Called for every failed try, for a log. */
  failed?: (key: string, error: unknown) => void;
  /** The first pause after a failure, doubled with each further one up to `mostMs`. */
  firstMs?: number;
  mostMs?: number;
}

/**
 * A queue of keys like controller-runtime's: a key waits at most once, is worked on by one at a time, and goes to
 * the back with exponential back-off (5 ms · 2ⁿ, at most 1000 s) when its work failed. Different keys run at once.
 */
export class WorkQueue {
  readonly #options: Required<WorkQueueOptions>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = { failed: () => undefined, firstMs: 5, mostMs: 1_000_000, ...options };
  }

  /** Asks for a round of work on the key: at once, or right after the round that is under way. */
  add(key: string): void {
    if (this.#stopped) return;
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    if (this.#running.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#running.set(key, this.#round(key));
  }

  /** Asks for a round after a pause; an earlier `add` makes it unnecessary. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timers.get(key));
    this.#timers.set(
      key,
      setTimeout(() => this.add(key), milliseconds),
    );
  }

  /** Takes no more work; resolves when the rounds under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await Promise.all(this.#running.values());
  }

  async #round(key: string): Promise<void> {
    // Let the caller finish first: a burst of events becomes one round.
    await new Promise(setImmediate);
    try {
      await this.#options.reconcile(key);
      this.#failures.delete(key);
    } catch (error) {
      this.#options.failed(key, error);
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      this.addAfter(key, Math.min(this.#options.firstMs * 2 ** failures, this.#options.mostMs));
    }
    this.#running.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }
}
