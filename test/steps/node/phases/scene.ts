/**
 * One node of a cluster with KMM, all in this process: kubectl's calls are answered from memory, the machine is a fake one, and
 * time passes at once. A run can be cut right after any act, as a kill cuts it: from then on it reaches nobody. Whatever may
 * never happen to a node is watched at each act, and told in `violations`.
 */
import { annotations } from "../../../../core/names.ts";
import { Kubectl } from "../../../../steps/cluster/kubectl.ts";
import { liveBy } from "../../../../steps/lib/clock.ts";
import type { Peers } from "../../../../steps/node/phases/roll.ts";
import { answer } from "../../fakeKubectl/kubectl.ts";
import type { Store, Stored } from "../../fakeKubectl/store.ts";
import { VirtualClock } from "../../virtualClock.ts";
import { FakeMachine } from "./fakeMachine.ts";
import {
  clusterObjects,
  entryOf,
  gate,
  imageOf,
  ready,
  stack,
  target,
  type Module,
  type ModulesConfig,
  type NodeObject,
  type SceneSetup,
} from "./objects.ts";
import { Timeline } from "./timeline.ts";

type Ended = Awaited<ReturnType<NonNullable<ConstructorParameters<typeof Kubectl>[2]>>>;

/** The run was killed here. */
export class Cut extends Error {}

const clock = new VirtualClock();
liveBy(clock);

/** Seconds until KMM has seen a change, until its worker is done, and until the cluster misses a kubelet. */
const [sees, works, misses] = [1, 3, 5];

export class Scene {
  readonly setup: SceneSetup;
  readonly machine: FakeMachine;
  readonly violations: string[] = [];
  /** What was done so far, by all runs. */
  readonly acts: string[] = [];
  /** Each phase that was noted on the node. */
  readonly notes: string[] = [];
  /** Leases that were held when the node was cordoned. */
  heldAtCordon: readonly string[] = [];
  /** KMM's worker does nothing. */
  isKmmStuck = false;
  readonly #timeline = new Timeline(clock);
  readonly #store: Store = { objects: [], faults: [], raw: new Map(), calls: [], held: [] };
  #life: { cutAfter: number; dying: boolean; dead: boolean } = { cutAfter: Infinity, dying: false, dead: false };

  constructor(setup: SceneSetup) {
    this.setup = setup;
    const attended = setup.mode === "attended";
    this.machine = new FakeMachine(setup.runs === undefined ? setup : { ...setup, driver: "onload" }, this.#timeline, {
      act: (what) => this.#act(what),
      down: () => this.#timeline.after(misses, () => this.machine.away && this.#setReady("Unknown")),
      booted: () => this.#booted(),
      attended,
    });
    this.machine.holder = () => this.#podUid();
    this.#store.objects.push(...clusterObjects(setup));
  }

  /** Gives one run its peers; it is cut right after so many acts. */
  async run<T>(body: (peers: Peers) => Promise<T>, cutAfter = Infinity): Promise<T> {
    this.#life = { cutAfter: this.acts.length + cutAfter, dying: false, dead: false };
    const { machine } = this;
    const access = { kubeconfig: "memory", context: "fake", id: "uid-kube-system" };
    const execute = this.#mortal((args: readonly string[], input?: string | Buffer) => this.#execute(args, input));
    const firmware = {
      tryConsole: machine.firmware.tryConsole,
      openConsole: machine.firmware.openConsole,
      openDatabase: (errand: Parameters<Peers["firmware"]["openDatabase"]>[0]) =>
        this.#mortals(machine.firmware.openDatabase(errand)),
    };
    try {
      return await body({ kubectl: new Kubectl(access, 600, execute), machine: this.#mortals(machine), firmware });
    } finally {
      if (this.#life.dead) this.#bury();
    }
  }

  /** Time that passes between two runs, in seconds. */
  pass(seconds: number): void {
    clock.advance(seconds * 1000);
    this.#timeline.settle();
  }

  /** What is noted on the node of where a run stands. */
  get noted(): { phase: string; bootId: string } | undefined {
    const text = this.#node.metadata.annotations?.[annotations.roll];
    return text === undefined ? undefined : (JSON.parse(text) as { phase: string; bootId: string });
  }

  get isCordoned(): boolean {
    return this.#node.spec.unschedulable === true;
  }

  get isOurs(): boolean {
    return this.#node.metadata.annotations?.[annotations.cordonedBy] === stack;
  }

  /** Changes the cluster as somebody else would, between two runs. */
  change(change: (node: NodeObject, objects: Stored[]) => void): void {
    change(this.#node, this.#store.objects);
  }

  /** Ends the application that holds the driver. */
  evict(): void {
    const { objects } = this.#store;
    objects.splice(0, objects.length, ...objects.filter(({ kind }) => kind !== "Pod"));
  }

  /** All of what a run leaves behind, but for times. */
  end() {
    this.#timeline.settle();
    const { metadata, spec } = this.#node;
    const { trusted, driver, request, dbOrder, away, inMokManager, boots } = this.machine;
    return structuredClone({
      node: { labels: metadata.labels, annotations: { ...metadata.annotations }, spec },
      kmm: this.#nmc,
      machine: { trusted, driver, request, dbOrder, away, inMokManager, boots },
    });
  }

  /** Names of the Leases that are held. */
  get leases(): string[] {
    return this.#store.objects.filter(({ kind }) => kind === "Lease").map(({ metadata }) => metadata.name);
  }

  get #node(): NodeObject {
    return this.#named("Node") as NodeObject;
  }

  get #nmc(): ModulesConfig {
    return this.#named("NodeModulesConfig") as unknown as ModulesConfig;
  }

  #named(kind: string): Stored | undefined {
    return this.#store.objects.find((each) => each.kind === kind);
  }

  #podUid(): string | undefined {
    return this.#named("Pod")?.metadata.uid;
  }

  #execute(args: readonly string[], input?: string | Buffer): Promise<Ended> {
    this.#timeline.settle();
    const before = isAct(args) ? { cordoned: this.isCordoned, generation: this.#generation } : undefined;
    const { code, text } = answer(this.#store, args, Buffer.from(input ?? ""));
    if (code !== 0) return Promise.resolve({ code, stdout: "", stderr: text });
    if (before !== undefined) this.#acted(args, before);
    return Promise.resolve({ code, stdout: text, stderr: "" });
  }

  #acted(args: readonly string[], before: { cordoned: boolean; generation: string | undefined }): void {
    if (verbOf(args) === "drain") this.evict();
    if (!before.cordoned && this.isCordoned) this.heldAtCordon = this.leases;
    this.#act(`${verbOf(args)} ${args.at(-1) ?? ""}`);
    this.#watch(before);
    this.#timeline.after(sees, () => this.#reconcile());
  }

  get #generation(): string | undefined {
    return this.#node.metadata.annotations?.[annotations.generation];
  }

  /** Counts an act; the one after which the run is cut is still done. */
  #act(what: string): void {
    this.acts.push(what);
    if (this.acts.length === this.#life.cutAfter) this.#life.dying = true;
    if (what === "reboot") this.#watchReboot();
  }

  /** Notes what may never be. */
  #must(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise);
  }

  #watchReboot(): void {
    const { noted } = this;
    this.#must(this.isCordoned, "rebooted in service");
    this.#must(["reboot", "remove"].includes(noted?.phase ?? ""), "rebooted without a note of it");
    this.#must(noted?.bootId === this.machine.bootId, "rebooted another boot than the noted one");
  }

  #watch(before: { cordoned: boolean; generation: string | undefined }): void {
    const { noted } = this;
    if (noted !== undefined && noted.phase !== this.notes.at(-1)) this.notes.push(noted.phase);
    this.#must(noted === undefined || this.isCordoned, `${noted?.phase ?? ""} without a cordon`);
    if (before.cordoned && !this.isCordoned)
      this.#must(this.#isFit, `uncordoned with the driver ${this.machine.driver}`);
    if (this.#generation !== before.generation)
      this.#must(this.#runs || this.machine.request === "enrol", "generation kept before a good end");
    if (this.#isOpen && !this.#runs) this.#watchGate();
  }

  #watchGate(): void {
    this.#must(this.machine.trusts, "gate opened before the key is trusted");
    this.#must(this.#node.status.conditions[0]?.status === "True", "gate opened before the node is Ready");
  }

  /** Whether the node runs the Module's version, by KMM's account and the machine's own. */
  get #runs(): boolean {
    const [loaded] = this.#nmc.status.modules;
    return this.machine.driver === "onload" && loaded?.config.containerImage === imageOf(target.version);
  }

  get #isOpen(): boolean {
    return this.#node.metadata.labels?.[gate] === target.version;
  }

  /** Whether the node may serve: with the version that it was opened for, or the kernel's driver; a dead one is let go as it is. */
  get #isFit(): boolean {
    return this.#isOpen ? this.#runs : this.machine.away || this.machine.driver === "in-tree";
  }

  /** KMM wants what the label names, once that is the Module's version; nothing without one. Another version stays as it is. */
  #reconcile(): void {
    const version = this.#node.metadata.labels?.[gate];
    if (version === undefined) this.#nmc.spec.modules = [];
    if (version === target.version) this.#nmc.spec.modules = [entryOf(version)];
    this.#timeline.after(works, () => this.#work());
  }

  /** KMM's worker: loads what is wanted, unloads what isn't. Of a machine that is away nothing is known before its boot. */
  #work(): void {
    if (this.#isSettled() || this.machine.away || this.isKmmStuck) return;
    this.#must(this.isCordoned, "modules changed in service");
    this.#must(this.#podUid() === undefined || this.setup.drain === false, "modules changed before the drain");
    const [wanted] = this.#nmc.spec.modules;
    if (wanted === undefined) this.#unload();
    else if (this.machine.trusts) this.#load(wanted);
    // What the kernel refuses has cost the node its driver all the same.
    else this.machine.driver = "none";
  }

  #isSettled(): boolean {
    const { spec, status } = this.#nmc;
    const [[wanted], [loaded]] = [spec.modules, status.modules];
    if (wanted === undefined) return loaded === undefined;
    const isSame = wanted.config.containerImage === loaded?.config.containerImage;
    return isSame && loaded.bootId === this.machine.bootId;
  }

  #load(wanted: Module): void {
    this.machine.driver = "onload";
    this.#nmc.status.modules = [{ ...wanted, bootId: this.machine.bootId }];
    (this.#node.metadata.labels ??= {})[ready] = "";
  }

  #unload(): void {
    if (this.machine.driver === "onload") this.machine.driver = "none";
    this.#nmc.status.modules = [];
    Reflect.deleteProperty(this.#node.metadata.labels ?? {}, ready);
  }

  #booted(): void {
    this.#node.status.nodeInfo["bootID"] = this.machine.bootId;
    this.#setReady("False");
    // The kubelet tells of the new boot before its runtime is up.
    this.#timeline.after(works, () => this.#setReady("True"));
    this.#timeline.after(sees, () => this.#reconcile());
  }

  #setReady(status: string): void {
    this.#node.status.conditions = [{ type: "Ready", status }];
  }

  /** A killed process holds its Leases until they expire, under a name that nobody else has. */
  #bury(): void {
    this.machine.kill();
    for (const { kind, spec } of this.#store.objects) {
      if (kind === "Lease") (spec as { holderIdentity: string }).holderIdentity = `${stack}/killed`;
    }
  }

  #mortal<Args extends unknown[], T>(call: (...args: Args) => Promise<T>): (...args: Args) => Promise<T> {
    const life = this.#life;
    return async (...args) => {
      if (life.dead) throw new Cut();
      try {
        return await call(...args);
      } finally {
        if (life.dying) {
          life.dead = true;
          // Nothing that a killed process did comes to an end.
          throw new Cut();
        }
      }
    };
  }

  #mortals<T extends object>(peer: T): T {
    return new Proxy(peer, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function" || key === "close") return value;
        return this.#mortal((...args: unknown[]) => Promise.resolve(Reflect.apply(value, target, args) as unknown));
      },
    });
  }
}

const verbOf = (args: readonly string[]): string => args[4] ?? "";

/** Leases are no acts: they end with whoever holds them. */
const isAct = (args: readonly string[]): boolean =>
  verbOf(args) === "drain" || (verbOf(args) === "patch" && args[5] === "node");
