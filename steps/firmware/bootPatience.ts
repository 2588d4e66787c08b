import { isReady, type RollNode } from "../../core/node/nodeState.ts";
import { now } from "../lib/clock.ts";

/** Most seconds that a node may be NotReady before it counts as dead: it may just be booting. */
const bootPatienceSeconds = 60;

/** Tells, look by look, a node that boots from one that stays dead. */
export class BootPatience {
  readonly #seconds: number;
  #deadSince: number | undefined;

  /** @param limitMinutes of the whole waiting, whose end would be an error: half of it at most is for a dead node */
  constructor(limitMinutes: number) {
    this.#seconds = Math.min(bootPatienceSeconds, limitMinutes * 30);
  }

  look(node: RollNode): "ready" | "booting" | "dead" {
    this.#deadSince = isReady(node) ? undefined : (this.#deadSince ?? now());
    if (this.#deadSince === undefined) return "ready";
    return now() - this.#deadSince >= this.#seconds * 1000 ? "dead" : "booting";
  }
}
