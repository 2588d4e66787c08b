import { join } from "node:path";
import type { Switches } from "../switches.ts";
import { accessOf, readAccess, writeAccess, writeControl } from "./access.ts";
import { control } from "./control.ts";
import { makeBin } from "./jail.ts";
import type { Machine } from "./machine.ts";
import { SandboxNode, type ToolRequest } from "./node.ts";
import type { Readiness } from "./nodeStatus.ts";
import { RequestServer, type Request } from "./requestServer.ts";
import { ensureClientKey } from "./sshKeys.ts";
import type { MachineStore } from "./store.ts";

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

/** All machines of a sandbox, and the one server that their commands and their controllers talk to. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #nodes = new Map<string, SandboxNode>();
  readonly #requests = new RequestServer((request) => this.#handle(request));
  readonly #bin: string;
  #port: number | undefined;
  #adding = Promise.resolve();
  #stopWatching: (() => void) | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#bin = join(options.store.directory, "bin");
  }

  /** Starts the server, and every machine that is in the store. */
  async start(): Promise<void> {
    const { store, stateDir, switches } = this.#options;
    makeBin(this.#bin);
    this.#port = await this.#requests.listen();
    writeControl(stateDir, this.#port, this.#requests.token);
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
    await this.#requests.close();
  }

  async #add(machine: Machine): Promise<void> {
    const { name } = machine.spec;
    // Before `start` a machine only has to be in the store.
    if (this.#nodes.has(name) || this.#port === undefined) return;
    const { stateDir, store, switches, report, log } = this.#options;
    const known = readAccess(stateDir);
    const access = await accessOf(machine, stateDir, known);
    const node = new SandboxNode({
      machine,
      access,
      directory: join(store.directory, name),
      bin: this.#bin,
      clientKey: ensureClientKey(stateDir),
      requests: { port: this.#port, token: this.#requests.token },
      save: () => store.save(machine),
      failing: (key) => switches.matches(key, name),
      bootSeconds: () => switches.seconds("node.boot.seconds", BOOT_SECONDS),
      report: (readiness) => report(machine, readiness),
      log,
    });
    this.#nodes.set(name, node);
    await node.start();
    writeAccess(stateDir, [...known.filter((entry) => entry.name !== name), access]);
  }

  async #adjust(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.adjust()));
  }

  #handle(request: Request): unknown {
    const node = this.#nodes.get(String(request["node"]));
    if (node === undefined) throw new Error(`no node ${String(request["node"])}`);
    if (typeof request["action"] === "string") return control(node, request["action"], request);
    const call = request as unknown as ToolRequest;
    const result = node.run(call);
    const line = [node.machine.spec.name, call.tool, ...call.args].join(" ");
    if (this.#options.switches.matches("ssh.cut", line)) node.cut();
    return result;
  }
}
