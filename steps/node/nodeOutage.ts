import {
  cordonedBy,
  isCordoned,
  isHeld,
  rollOf,
  type NodeModulesConfig,
  type RollNode,
} from "../../core/node/nodeState.ts";
import {
  annotations,
  controlPlaneLease,
  countLease,
  kmm,
  labels,
  names,
  nodeLease,
  slotLeases,
} from "../../core/names.ts";
import type { NodePod } from "../../core/node/moduleUsers.ts";
import type { RollState } from "../../core/node/rollState.ts";
import type { WorkerPod } from "../../core/node/workerPod.ts";
import { nodeLeaseSeconds, turnSeconds, workerLogSeconds } from "../../core/patience.ts";
import { timestamp } from "../lib/clock.ts";
import { drainNode } from "./drain.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { withLease, type LeaseRequest, type Turn } from "../cluster/lease.ts";
import { progress } from "../lib/step.ts";

/** Who takes which node out of service, and within which bounds. */
export interface OutageSettings {
  readonly stack: string;
  readonly node: string;
  readonly maxParallel: number;
  readonly drain: boolean;
  readonly drainTimeoutMinutes: number;
  /** Names of the stack's nodes; absent where they aren't known. */
  readonly listed?: readonly string[] | undefined;
}

/** Lines of a worker's log that an error quotes. */
const workerLines = 4;

/** One node's time out of service: every act can be repeated, and leaves on the Node what the next run must know. */
export class NodeOutage {
  readonly #kubectl: Kubectl;
  readonly #settings: OutageSettings;
  /** Held while the node is worked on. */
  #turns: readonly Turn[] = [];

  constructor(kubectl: Kubectl, settings: OutageSettings) {
    this.#kubectl = kubectl;
    this.#settings = settings;
  }

  /** The Node, or undefined when it is gone. */
  read(): Promise<(RollNode & KubeObject) | undefined> {
    return this.#kubectl.get<RollNode & KubeObject>("nodes", this.#settings.node);
  }

  readModules(): Promise<(NodeModulesConfig & KubeObject) | undefined> {
    return this.#kubectl.get<NodeModulesConfig & KubeObject>(
      "nodemodulesconfigs.kmm.sigs.x-k8s.io",
      this.#settings.node,
    );
  }

  async readWorker(namespace: string, module: string): Promise<WorkerPod | undefined> {
    return this.#kubectl.get<WorkerPod & KubeObject>("pods", `kmm-worker-${this.#settings.node}-${module}`, namespace);
  }

  /** The end of what a worker has printed; what can't be had is empty. */
  async workerLog(namespace: string, pod: string): Promise<string> {
    const args = [
      "logs",
      pod,
      "-n",
      namespace,
      "-c",
      "worker",
      `--tail=${workerLines}`,
      `--request-timeout=${workerLogSeconds}s`,
    ];
    return this.#kubectl.runWithin(workerLogSeconds, () => args).catch(() => "");
  }

  /** The node's pods of all namespaces. */
  async readPods(): Promise<NodePod[]> {
    return this.#kubectl.list<NodePod & KubeObject>(
      "pods",
      "-A",
      `--field-selector=spec.nodeName=${this.#settings.node}`,
    );
  }

  /** Whether KMM could make a worker pod: without the ServiceAccount it only tries, and says so nowhere. */
  async hasWorkerAccount(namespace: string): Promise<boolean> {
    return (await this.#kubectl.get("serviceaccounts", names.serviceAccount, namespace)) !== undefined;
  }

  /**
   * Runs `work` alone on this node, with no more than `maxParallel` nodes of the stack out of service, and with no other
   * control-plane node if this is one.
   */
  alone<T>(controlPlane: boolean, work: () => Promise<T>): Promise<T> {
    const { stack, node, maxParallel } = this.#settings;
    const turn = { owner: stack, what: `${node}'s turn`, timeoutSeconds: turnSeconds };
    const own = {
      owner: stack,
      names: [nodeLease(node)],
      what: `the Lease of ${node}`,
      timeoutSeconds: nodeLeaseSeconds,
    };
    const slot = { ...turn, names: slotLeases(stack, maxParallel) };
    const requests = controlPlane ? [own, { ...turn, names: [controlPlaneLease] }, slot] : [own, slot];
    return this.#holding(requests, work);
  }

  /**
   * Runs `work`, which counts who is out and takes the node out, while nobody else of the stack does: the slots know nothing of
   * nodes that an earlier run has left out.
   */
  countingAlone(work: () => Promise<void>): Promise<void> {
    const { stack, node, maxParallel } = this.#settings;
    if (maxParallel === 1) return work();
    const count = { owner: stack, names: [countLease(stack)], what: `${node}'s turn`, timeoutSeconds: turnSeconds };
    return this.#holding([count], work);
  }

  /** Runs `work` while all of these are held; one after the other is taken. */
  #holding<T>([first, ...others]: readonly LeaseRequest[], work: () => Promise<T>): Promise<T> {
    if (first === undefined) return work();
    return withLease(this.#kubectl, first, async (turn) => {
      this.#turns = [...this.#turns, turn];
      try {
        return await this.#holding(others, work);
      } finally {
        this.#turns = this.#turns.filter((each) => each !== turn);
      }
    });
  }

  /** @throws StepError when this run stood still and another one may be at work: nothing may be changed any more */
  async #requireTurn(): Promise<void> {
    for (const turn of this.#turns) await turn.require();
  }

  /**
   * Names of the stack's other nodes that we took out of service and that haven't come back. Held ones don't count, nor those
   * that were taken off the list: they leave last of all, and waiting for them would never end.
   */
  async othersOut(): Promise<string[]> {
    const { stack, node, listed } = this.#settings;
    const nodes = await this.#kubectl.list<RollNode & KubeObject>("nodes", "-l", `${labels.stack}=${stack}`);
    return nodes
      .filter((other) => cordonedBy(other) === stack && !isHeld(other))
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== node && (listed?.includes(name) ?? true));
  }

  /** Where an earlier run of this stack stopped on this node. */
  stateOf(node: RollNode): RollState | undefined {
    return rollOf(node, this.#settings.stack);
  }

  /** Notes the phase on the Node before its first act, and cordons it in the same write. */
  async enter(node: RollNode, phase: RollState["phase"], version?: string): Promise<void> {
    const { stack } = this.#settings;
    const state: RollState = {
      phase,
      stack,
      ...(version !== undefined && { version }),
      bootId: node.status.nodeInfo.bootID,
      since: timestamp(),
    };
    // Somebody else's cordon is not ours to lift later.
    const ours = !isCordoned(node) || cordonedBy(node) === stack;
    await this.#patch({
      metadata: {
        annotations: { [annotations.roll]: JSON.stringify(state), ...(ours && { [annotations.cordonedBy]: stack }) },
      },
      ...(ours && { spec: { unschedulable: true } }),
    });
    if (!isCordoned(node)) progress(`${this.#settings.node}: cordoned`);
  }

  /** Whether the configuration wants the node's pods evicted. */
  get drains(): boolean {
    return this.#settings.drain;
  }

  /** Evicts the node's pods, where the configuration wants that. */
  async drain(): Promise<void> {
    const { node, drain, drainTimeoutMinutes } = this.#settings;
    if (!drain) return;
    await this.#requireTurn();
    await drainNode(this.#kubectl, node, drainTimeoutMinutes);
  }

  /** Sets KMM's version label, the gate for loading; `undefined` takes it off. */
  async setVersion(namespace: string, module: string, version: string | undefined): Promise<void> {
    await this.#patch({ metadata: { labels: { [kmm.versionLabel(namespace, module)]: version ?? null } } });
  }

  /** Notes that this generation ended well on a node that needed no outage. */
  async keepGeneration(generation: number): Promise<void> {
    await this.#patch({ metadata: { annotations: { [annotations.generation]: String(generation) } } });
  }

  /**
   * Notes the boot in which the modules of a node that leaves were unloaded: only in that one, which its next boot ends, is
   * the kernel's own driver missing.
   */
  async noteUnloaded(): Promise<void> {
    const node = await this.read();
    if (node === undefined || this.stateOf(node)?.phase === "remove") return;
    await this.enter(node, "leave");
  }

  /**
   * Lifts our cordon, and only ours, and forgets the phase.
   *
   * @param end.isFit whether the node may serve again; otherwise its cordon is left to the person who repairs it
   * @param end.generation the generation that ended well here; absent while leaving
   */
  async leave(
    node: RollNode,
    { isFit = true, generation }: { isFit?: boolean; generation?: number } = {},
  ): Promise<void> {
    const ours = cordonedBy(node) === this.#settings.stack;
    await this.#patch({
      metadata: {
        annotations: {
          [annotations.roll]: null,
          ...(ours && { [annotations.cordonedBy]: null }),
          ...(generation !== undefined && { [annotations.generation]: String(generation) }),
        },
      },
      ...(ours && isFit && { spec: { unschedulable: null } }),
    });
    const ended = ours ? "uncordoned" : "left cordoned, as it was found";
    progress(`${this.#settings.node}: ${isFit ? ended : "left cordoned: uncordon it once it is repaired"}`);
  }

  async deletePod(namespace: string, name: string): Promise<void> {
    await this.#kubectl.run(["delete", "pod", name, "-n", namespace, "--ignore-not-found", "--wait=false"]);
  }

  async #patch(patch: object): Promise<void> {
    await this.#requireTurn();
    await this.#kubectl.run(["patch", "node", this.#settings.node, "--type=merge", "-p", JSON.stringify(patch)]);
  }
}
