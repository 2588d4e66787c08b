import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import type { NodeSpec } from "./spec.ts";
import { newMachine } from "./machine.ts";

/**
 * The machines of one sandbox, each in a JSON file of its own under `<stateDir>/nodes/`. One process owns them: it
 * keeps them in memory and writes a file through at each change, so that they survive `sandbox down`.
 */
export class MachineStore {
  readonly directory: string;
  readonly #machines = new Map<string, Machine>();
  /** What each file holds: most that a node is asked changes nothing. */
  readonly #saved = new Map<string, string>();
  readonly #listeners: ((machine: Machine) => void)[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Reads what is there; the directory is made when it is missing. */
  static open(stateDir: string): MachineStore {
    const store = new MachineStore(join(stateDir, "nodes"));
    mkdirSync(store.directory, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(store.directory).filter((name) => name.endsWith(".json"))) {
      const saved = JSON.parse(readFileSync(join(store.directory, file), "utf8")) as Machine;
      // An older sandbox knew none of these.
      const machine = { ...{ processes: [], arguments: [], modprobeConfig: [] }, ...saved };
      store.#machines.set(machine.spec.name, machine);
    }
    return store;
  }

  get(name: string): Machine | undefined {
    return this.#machines.get(name);
  }

  /** The directory that stands for `/` on the machine. */
  rootOf(machine: Machine): string {
    return join(this.directory, machine.spec.name, "root");
  }

  list(): Machine[] {
    return [...this.#machines.values()];
  }

  /** The machine of this name, made now if there is none. `ids` are those that its Node object already shows. */
  ensure(spec: NodeSpec, ids: Partial<Pick<Machine, "bootId" | "machineId" | "systemUuid">> = {}): Machine {
    const known = this.#machines.get(spec.name);
    if (known !== undefined) return known;
    const machine = { ...newMachine(spec), ...ids };
    this.#machines.set(spec.name, machine);
    this.save(machine);
    return machine;
  }

  /** Ends the processes of a pod that is gone. */
  endPod(uid: string): void {
    for (const machine of this.list().filter(({ processes }) => processes.some(({ pod }) => pod === uid))) {
      machine.processes = machine.processes.filter(({ pod }) => pod !== uid);
      this.save(machine);
    }
  }

  /** Hears of every saved change. */
  onSaved(listener: (machine: Machine) => void): void {
    this.#listeners.push(listener);
  }

  /** Writes the machine's file where something has changed (whole, then renamed, so that a reader never sees half of it). */
  save(machine: Machine): void {
    const { name } = machine.spec;
    const [file, text] = [join(this.directory, `${name}.json`), `${JSON.stringify(machine, null, 2)}\n`];
    if (this.#saved.get(name) === text) return;
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    this.#saved.set(name, text);
    for (const listener of this.#listeners) listener(machine);
  }
}
