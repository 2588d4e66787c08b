/** What happens to the fake node by itself, at its time: whoever looks at it next finds it done. */
import type { VirtualClock } from "../../virtualClock.ts";

export class Timeline {
  readonly #clock: VirtualClock;
  readonly #due: { at: number; happen: () => void }[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  after(seconds: number, happen: () => void): void {
    this.#due.push({ at: this.#clock.now() + seconds * 1000, happen });
  }

  /** Lets everything happen that is due by now, in its order. */
  settle(): void {
    for (;;) {
      const [next] = this.#due.sort((a, b) => a.at - b.at);
      if (next === undefined || next.at > this.#clock.now()) return;
      this.#due.shift();
      next.happen();
    }
  }
}
