import { workerTrouble, type WorkerPod, type WorkerTrouble } from "../../core/node/workerPod.ts";
import { whoUses } from "./moduleUse.ts";
import type { Machine } from "./nodeMachine.ts";
import type { NodeOutage } from "./nodeOutage.ts";
import { StepError } from "../lib/step.ts";

/**
 * What KMM's worker on a node fails for: KMM tells none of it. The pod's status, the end of what it has printed, and, where
 * the modules are in use, who holds them.
 */
export class WorkerAccount {
  readonly #outage: NodeOutage;
  readonly #machine: Machine;
  readonly #namespace: string;
  #asked = "";
  #words = "";

  constructor(outage: NodeOutage, machine: Machine, namespace: string) {
    this.#outage = outage;
    this.#machine = machine;
    this.#namespace = namespace;
  }

  /** Undefined while nothing is wrong with it. Asked again after each of its failures. */
  async of(worker: WorkerPod | undefined): Promise<WorkerTrouble | undefined> {
    const trouble = worker && workerTrouble(worker);
    if (worker === undefined || trouble === undefined || trouble.hangsForEver) return trouble;
    if (trouble.text !== this.#asked) {
      this.#asked = trouble.text;
      this.#words = await this.#ask(worker.metadata.name);
    }
    return { ...trouble, text: trouble.text + this.#words };
  }

  async #ask(pod: string): Promise<string> {
    const log = (await this.#outage.workerLog(this.#namespace, pod)).trim();
    if (log === "") return "";
    const users = isInUse(log) ? await whoUses(this.#outage, this.#machine).catch(unasked) : [];
    const held = users.length === 0 ? "" : `; held by ${users.join(", ")}`;
    return `; it said last: ${log.replaceAll(/\s*\n\s*/g, " | ")}${held}`;
  }
}

/** What kmod's `modprobe -r` says, and the kernel through it, of a module that somebody holds. */
export const isInUse = (log: string): boolean =>
  /\bmodule '?\w+'? is in use\b|could not (?:remove|unload) .*(?:Resource temporarily unavailable|Device or resource busy)/i.test(
    log,
  );

/** The node may be away just now: the worker's own words are enough. */
function unasked(error: unknown): string[] {
  if (error instanceof StepError) return [];
  throw error;
}
