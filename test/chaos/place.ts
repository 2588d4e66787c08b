/** Where accidents happen: a scene, the operation that runs in it, and what was done to it by hand. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "../faults/running.ts";
import type { Scene } from "../faults/scene.ts";
import { moments, type MomentName } from "./plan.ts";

/** What chaos itself did to a machine, so that nobody else is blamed for it. */
export interface HandBoot {
  readonly node: string;
  readonly at: number;
}

/** What hands have done since the sandbox began; each operation adds to it. */
export interface Hands {
  readonly boots: HandBoot[];
  /** Processes of killed commands, which may live on. */
  readonly orphans: number[];
  /** How many second bastions there were. */
  bastions: number;
}

/** One operation while it runs. */
export class Place {
  readonly scene: Scene;
  readonly running: Running;
  readonly hands: Hands;
  /** Whether the state holds a stack that was up once, which a second bastion can have exported. */
  readonly isUp: boolean;
  /** Nodes that somebody else has cordoned or tainted, and still has. */
  readonly cordoned = new Set<string>();
  readonly tainted = new Set<string>();
  /** Nodes that something was done to which makes a proof of before untrue. */
  readonly disturbed = new Set<string>();
  /** Something was deleted by hand. */
  hasLost = false;
  readonly seconds: Running[] = [];
  readonly #over = new AbortController();

  constructor(scene: Scene, running: Running, { hands, isUp }: { readonly hands: Hands; readonly isUp: boolean }) {
    this.scene = scene;
    this.running = running;
    this.hands = hands;
    this.isUp = isUp;
  }

  /** Resolves at the moment: true, or false when the operation has ended without it. */
  async reached({ says, afterMs }: { readonly says: MomentName; readonly afterMs: number }): Promise<boolean> {
    if (!(await this.running.says(moments[says]))) return false;
    await this.pause(afterMs / 1000);
    return !this.#over.signal.aborted;
  }

  /** Lets time pass, but not beyond the operation's end. */
  async pause(seconds: number): Promise<void> {
    await sleep(seconds * 1000, undefined, { signal: this.#over.signal }).catch(() => undefined);
  }

  /** Resolves when the operation has ended. */
  async untilOver(): Promise<void> {
    const { signal } = this.#over;
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }

  /** The operation has ended: pauses end, too. */
  over(): void {
    this.#over.abort();
  }
}
