import { setTimeout as sleep } from "node:timers/promises";
import { Informer, type Kube, type KubeObject, type Resource } from "../kube.ts";

interface Pod extends KubeObject {
  status?: { phase?: string };
}

const pods: Resource<Pod> = { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true };

/** How often somebody who waits looks again. */
const LOOK_MS = 100;

/**
 * The pods that something is known by which really runs in this process: it serves while one of them runs. A drain that
 * evicts the last one stops it, and a scheduler that finds no node for the next keeps it so.
 */
export class ServingPods {
  readonly #informer: Informer<Pod>;
  #stopped = false;

  constructor(kube: Kube, namespace: string, labelSelector: string) {
    this.#informer = new Informer(kube, pods, {}, { namespace, labelSelector });
  }

  get serve(): boolean {
    return this.#informer
      .list()
      .some(({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase === "Running");
  }

  /** Resolves once one runs, or all is over; with a limit, at that at the latest. */
  async untilServing(limitMs = Infinity): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (!this.serve && !this.#stopped && Date.now() < deadline) await sleep(LOOK_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#informer.stop();
  }
}
