import { isReady, type RollNode } from "../../core/node/nodeState.ts";
import { bootSeconds } from "../../core/patience.ts";
import { now } from "../lib/clock.ts";

/** Tells, look by look, a node that boots from one that stays dead. */
export class BootPatience {
  readonly #seconds: number;
  #deadSince: number | undefined;

  /** @param limitMinutes of the whole waiting, whose end would be an error: half of it at most is for a dead node */
  constructor(limitMinutes: number) {
    this.#seconds = Math.min(bootSeconds, limitMinutes * 30);
  }

  look(node: RollNode): "ready" | "booting" | "dead" {
    this.#deadSince = isReady(node) ? undefined : (this.#deadSince ?? now());
    if (this.#deadSince === undefined) return "ready";
    return now() - this.#deadSince >= this.#seconds * 1000 ? "dead" : "booting";
  }
}
