/**
 * The kubelet of the virtual machine, which has no room for one: it runs outside, over SSH. What it reports to the cluster
 * is what the machine shows: boot ID, kernel, machine ID and system UUID are read there, and the Node is Ready while one
 * SSH connection lasts. Images come from the sandbox's registry, with real files (kmodImages.ts); the modprobe calls of
 * KMM's worker are made on the machine, and its kernel decides (worker.ts).
 *
 * Node object, Lease, and the status of KMM's pods are the work of the sandbox's own kubelets, which are reused. Left out:
 * every other pod, and containers' logs.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { kubeconfigFile } from "@onload-kmm/sandbox/controlPlane/credentials";
import { Informer, Kube } from "@onload-kmm/sandbox/kube";
import { Kubelet } from "@onload-kmm/sandbox/nodes/kubelet";
import type { Machine as MachineRecord } from "@onload-kmm/sandbox/nodes/machine";
import { NodeKeeper } from "@onload-kmm/sandbox/nodes/nodeKeeper";
import { announceBoot } from "@onload-kmm/sandbox/nodes/reboot";
import { NODES, PODS, type Node, type Pod } from "@onload-kmm/sandbox/nodes/shapes";
import { MachineStore } from "@onload-kmm/sandbox/nodes/store";
import { Registry } from "@onload-kmm/sandbox/openshift/registry";
import { Switches } from "@onload-kmm/sandbox/switches";
import type { MachineImages } from "./build.ts";
import { KmodImages } from "./kmodImages.ts";
import type { Machine } from "./machine.ts";
import { startSsh } from "./ssh.ts";
import { GuestWorker } from "./worker.ts";

/** What the kubelet reads when it starts: four lines. The connection then stays until the machine goes down. */
const introduction =
  "cat /proc/sys/kernel/random/boot_id /etc/machine-id; sudo cat /sys/class/dmi/id/product_uuid; uname -r; exec cat";

/** Seconds to connect, and of silence after which the machine counts as down: under emulation it may be slow. */
const patience = { ConnectTimeout: "30", ServerAliveInterval: "10", ServerAliveCountMax: "6" };

/** What the kubelet is made with. */
export interface GuestKubeletOptions {
  machine: Machine;
  images: MachineImages;
  /** Folder that build-kmod.sh fills, as it is in the kmod image below /opt. */
  built: Promise<string>;
  /** The sandbox's state directory. */
  stateDir: string;
  /** The Node's name, and its `osImage`, by which KMM finds a Driver Toolkit. */
  node: { name: string; osImage: string };
  /** For the kubelet's own files. */
  directory: string;
  log: (line: string) => void;
}

/** One kubelet, from `start` to `stop`. */
export class GuestKubelet {
  readonly #kube: Kube;
  readonly #machine: Machine;
  readonly #log: (line: string) => void;
  /** What is reported of the machine, in the form that the sandbox's kubelets take. */
  readonly #record: MachineRecord;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #switches: Switches;
  readonly #keeper: NodeKeeper;
  readonly #kubelet: Kubelet;
  readonly #worker: GuestWorker;
  readonly #stopping = new AbortController();
  readonly #registered = Promise.withResolvers<undefined>();
  readonly #following: Promise<void>;

  private constructor(kube: Kube, options: GuestKubeletOptions) {
    const { machine, node, directory, log } = options;
    this.#kube = kube;
    this.#machine = machine;
    this.#log = log;
    const store = MachineStore.open(directory);
    this.#record = store.ensure({
      ...node,
      kernel: machine.kernelRelease,
      role: "worker",
      solarflare: false,
      secureBoot: true,
      external: true,
    });
    this.#record.power = "off";
    this.#nodes = new Informer<Node>(kube, NODES);
    this.#pods = new Informer<Pod>(kube, PODS, {
      changed: (pod) => this.#kubelet.changed(pod),
      deleted: (pod) => this.#kubelet.deleted(pod),
    });
    this.#switches = new Switches(kube);
    this.#worker = new GuestWorker(machine, new KmodImages({ ...options, kube }));
    this.#keeper = new NodeKeeper({ kube, store, nodes: this.#nodes, logPort: 0 });
    this.#kubelet = new Kubelet({
      ...{ kube, store, log, pods: this.#pods, switches: this.#switches },
      registry: Registry.open(options.stateDir),
      registryPods: { serve: true },
      work: (_record, pod, image) => this.#worker.run(pod, image),
    });
    this.#following = this.#follow();
  }

  /** Starts the kubelet; resolves when the machine is up and its Node registered. */
  static async start(options: GuestKubeletOptions): Promise<GuestKubelet> {
    const kube = await Kube.fromKubeconfig(kubeconfigFile(options.stateDir, "nodes.kubeconfig"));
    const kubelet = new GuestKubelet(kube, options);
    await kubelet.#registered.promise;
    return kubelet;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#keeper.stop();
    await this.#following;
    await Promise.all([this.#nodes.stop(), this.#pods.stop(), this.#switches.stop(), this.#kubelet.stop()]);
    this.#kube.close();
  }

  /** Boot after boot. */
  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#followBoot().catch((error: unknown) => this.#log(String(error)));
      await delay(500, undefined, { signal }).catch(() => undefined);
    }
  }

  /** From an SSH connection to its end. */
  async #followBoot(): Promise<void> {
    const boots = this.#machine.boots();
    const connection = startSsh(this.#machine.ssh, introduction, patience);
    const end = (): void => void connection.kill();
    this.#stopping.signal.addEventListener("abort", end);
    // QEMU accepts a connection before the guest can, then retries to the guest less and less often: a new one gets through.
    const overdue = setInterval(() => {
      if (facts.length === 0 && this.#machine.boots() !== boots) end();
    }, 200);
    const closed = once(connection, "close");
    // Why it ended doesn't matter: it is tried again.
    connection.stderr.resume();
    const facts: string[] = [];
    for await (const line of createInterface({ input: connection.stdout })) {
      facts.push(line);
      if (facts.length === 4) await this.#cameUp(facts);
    }
    await closed;
    clearInterval(overdue);
    this.#stopping.signal.removeEventListener("abort", end);
    if (facts.length >= 4 && !this.#stopping.signal.aborted) await this.#wentDown();
  }

  async #cameUp([bootId = "", machineId = "", systemUuid = "", kernel = ""]: string[]): Promise<void> {
    const record = this.#record;
    if (record.bootId !== bootId) {
      record.images = {};
      this.#worker.rebooted();
    }
    Object.assign(record, { bootId, machineId, systemUuid, kernel, power: "running" });
    this.#log(`kubelet: the machine is up, boot ID ${bootId}`);
    await this.#keeper.post(record, "starting");
    await this.#keeper.post(record, "ready");
    await announceBoot(this.#kube, record, this.#nodes.get(record.spec.name));
    this.#kubelet.nodeStarted(record.spec.name);
    this.#registered.resolve(undefined);
  }

  async #wentDown(): Promise<void> {
    this.#record.power = "off";
    this.#log("kubelet: the machine is down");
    await this.#keeper.post(this.#record, "unknown");
  }
}
