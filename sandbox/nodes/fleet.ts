import { join } from "node:path";
import { isPortTaken, PortClaims } from "../ports.ts";
import type { Switches } from "../switches.ts";
import { accessOf, readAccess, writeAccess, writeControl, type NodeAccess } from "./access.ts";
import { Bmcs } from "./bmc.ts";
import { CallServer, type ToolCall } from "./calls.ts";
import { control } from "./control.ts";
import { makeBin } from "./jail.ts";
import type { Machine } from "./machine.ts";
import { SandboxNode } from "./node.ts";
import type { Readiness } from "./nodeStatus.ts";
import { RequestServer, type Request } from "./requestServer.ts";
import { ensureClientKey } from "./sshKeys.ts";
import type { MachineStore } from "./store.ts";
import type { Result } from "./tools/tool.ts";

/** What the fleet needs of its surroundings. */
export interface FleetOptions {
  stateDir: string;
  store: MachineStore;
  switches: Pick<Switches, "matches" | "seconds" | "onChange">;
  /** Tells the cluster about a machine's kubelet. */
  report: (machine: Machine, readiness: Readiness) => Promise<void>;
  log: (line: string) => void;
}

const BOOT_SECONDS = 1.5;

/** All machines of a sandbox, and the servers that their commands and their controllers talk to. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #nodes = new Map<string, SandboxNode>();
  readonly #controls = new RequestServer((request) => this.#control(request));
  readonly #calls: CallServer;
  readonly #bmcs: Bmcs;
  /** For as long as the fleet runs: a node's SSH server comes and goes with its boots. */
  readonly #claims = new PortClaims();
  readonly #bin: string;
  #started = false;
  #adding = Promise.resolve();
  #stopWatching: (() => void) | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#bin = join(options.store.directory, "bin");
    this.#bmcs = new Bmcs({ ...options, claims: this.#claims });
    this.#calls = new CallServer(join(options.store.directory, "calls"), (call) => this.#run(call));
  }

  /** Starts the server, and every machine that is in the store. */
  async start(): Promise<void> {
    const { store, stateDir, switches } = this.#options;
    makeBin(this.#bin);
    this.#calls.start();
    await this.#bmcs.start();
    writeControl(stateDir, await this.#controls.listen(), this.#controls.token);
    this.#started = true;
    store.onSaved((machine) => this.#nodes.get(machine.spec.name)?.sync());
    this.#stopWatching = switches.onChange(() => void this.#adjust());
    for (const machine of store.list()) await this.add(machine);
  }

  /** Starts one machine, unless it is started already. Calls wait for each other: they share `nodes.json`. */
  async add(machine: Machine): Promise<void> {
    this.#adding = this.#adding.then(() => this.#add(machine));
    await this.#adding;
  }

  async stop(): Promise<void> {
    this.#stopWatching?.();
    await this.#adding;
    await Promise.all([...this.#nodes.values()].map((node) => node.stop()));
    this.#calls.stop();
    await this.#bmcs.stop();
    await this.#controls.close();
    this.#claims.release();
  }

  async #add(machine: Machine): Promise<void> {
    const { name } = machine.spec;
    // Before `start` a machine only has to be in the store.
    if (this.#nodes.has(name) || !this.#started) return;
    const { stateDir } = this.#options;
    const known = readAccess(stateDir);
    const { node, access } = await this.#start(machine, known);
    this.#nodes.set(name, node);
    writeAccess(stateDir, [...known.filter((entry) => entry.name !== name), access]);
  }

  /** A port that another program takes between the claim and the server's start is given up for another one. */
  async #start(machine: Machine, known: NodeAccess[]): Promise<{ node: SandboxNode; access: NodeAccess }> {
    const { stateDir } = this.#options;
    for (;;) {
      const access = await accessOf(machine, { stateDir, bmc: this.#bmcs.identity, claims: this.#claims }, known);
      const node = this.#make(machine, access);
      try {
        await node.start();
        return { node, access };
      } catch (error) {
        await node.stop();
        if (!isPortTaken(error)) throw error;
      }
    }
  }

  #make(machine: Machine, access: NodeAccess): SandboxNode {
    const { stateDir, store, switches, report, log } = this.#options;
    const { name } = machine.spec;
    return new SandboxNode({
      machine,
      access,
      directory: join(store.directory, name),
      bin: this.#bin,
      clientKey: ensureClientKey(stateDir),
      calls: this.#calls.directory,
      save: () => store.save(machine),
      failing: (key) => switches.matches(key, name),
      bootSeconds: () => switches.seconds("node.boot.seconds", BOOT_SECONDS),
      report: (readiness) => report(machine, readiness),
      log,
    });
  }

  async #adjust(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.adjust()));
  }

  #node(name: string): SandboxNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  #control(request: Request): unknown {
    return control(this.#node(String(request["node"])), String(request["action"]), request);
  }

  #run(call: ToolCall): Result {
    const node = this.#node(call.node);
    const result = node.run(call);
    if (this.#options.switches.matches("ssh.cut", [call.node, call.tool, ...call.args].join(" "))) node.cut();
    return result;
  }
}
