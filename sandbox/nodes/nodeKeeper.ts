import { isNotFound, type Informer, type Kube } from "../kube.ts";
import { registerNode } from "./install.ts";
import type { Machine } from "./machine.ts";
import { nodeStatus, type Readiness } from "./nodeStatus.ts";
import { LEASES, NODES, type Node } from "./shapes.ts";
import type { MachineStore } from "./store.ts";

/** How often a running node renews its Lease: a kubelet does it every 10 s, and 50 s of silence make a node Unknown. */
const HEARTBEAT_MS = 20_000;

/** What the keeper needs of its surroundings. */
export interface KeeperOptions {
  kube: Kube;
  store: MachineStore;
  nodes: Informer<Node>;
  /** Port of the server for containers' logs. */
  logPort: number;
}

/** Keeps each Node's status and Lease as its kubelet would. The taints are the node lifecycle controller's. */
export class NodeKeeper {
  readonly #options: KeeperOptions;
  readonly #timer: NodeJS.Timeout;
  #beating = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#beat(), HEARTBEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Posts the node's status after its readiness changed; a Node that was deleted is registered again when ready. */
  async post(machine: Machine, readiness: Readiness): Promise<void> {
    const { kube, logPort } = this.#options;
    const { name } = machine.spec;
    const status = nodeStatus(machine, logPort, readiness);
    // A node that fell silent shows what it posted last.
    const news = readiness === "unknown" ? { conditions: status.conditions } : status;
    try {
      await kube.patchStatus(NODES, { name }, news);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (readiness === "ready") await registerNode(kube, machine, logPort);
    }
    if (readiness === "ready") await this.#renew(name);
  }

  /** With many nodes on a busy machine one may last longer than until the next. */
  async #beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    for (const machine of this.#options.store.list()) {
      if (machine.power !== "running") continue;
      await this.#keep(machine).catch(() => undefined); // the API server is away; the next beat will do
    }
    this.#beating = false;
  }

  /** A kubelet posts its status again after it was given up for lost: the API server was away, or it was slow itself. */
  async #keep(machine: Machine): Promise<void> {
    const { name } = machine.spec;
    await (this.#isGivenUp(name) ? this.post(machine, "ready") : this.#renew(name));
  }

  #isGivenUp(name: string): boolean {
    const conditions = this.#options.nodes.get(name)?.status?.conditions ?? [];
    return conditions.some(({ type, status }) => type === "Ready" && status === "Unknown");
  }

  async #renew(name: string): Promise<void> {
    const uid = this.#options.nodes.get(name)?.metadata.uid;
    if (uid === undefined) return;
    const owner = { apiVersion: "v1", kind: "Node", name, uid };
    await this.#options.kube.apply(
      LEASES,
      {
        metadata: { name, namespace: "kube-node-lease", ownerReferences: [owner] },
        spec: {
          holderIdentity: name,
          leaseDurationSeconds: 40,
          renewTime: `${new Date().toISOString().slice(0, 23)}000Z`,
        },
      },
      "kubelet",
    );
  }
}
