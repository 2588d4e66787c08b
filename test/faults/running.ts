/** The Pulumi CLI at work, so that a test can cut in: wait for what it prints, and kill parts of it. */
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../stack/stack.ts";

/** What of a running command is killed: always by SIGKILL, so that nothing can tidy up. */
export type Victim =
  /** The engine and nothing else, as by an OOM kill: its plugins see that, and kill the steps that run. */
  | "engine"
  /** A plugin's process, by a part of its command line. */
  | `plugin ${string}`
  /** A step's process, by its name in `steps/`. */
  | `step ${string}`
  /** Everything at once: the bastion loses power. */
  | "power";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Longest wait for something that a loaded machine may take minutes for, in seconds. */
export const patience = 600;

/** Starts `pulumi <verb>` on the stack without waiting for it. */
export function start(stack: Stack, verb: "up" | "destroy" | "preview", ...args: string[]): Running {
  const common = ["--stack", "dev", "--config-file", stack.configFile, "--non-interactive"];
  const unasked = verb === "preview" ? [] : ["--yes", "--skip-preview"];
  return new Running(stack.sandbox.spawnPulumi([verb, ...common, ...unasked, ...args]));
}

/** A command that runs. */
export class Running {
  readonly #child: ReturnType<Stack["sandbox"]["spawnPulumi"]>;
  #output = "";
  #over = false;

  constructor(child: ReturnType<Stack["sandbox"]["spawnPulumi"]>) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
    }
    void child.then(() => (this.#over = true));
  }

  /** What it has printed so far, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when `pattern` has been printed: true, or false when the command ended without it. */
  async says(pattern: RegExp): Promise<boolean> {
    const deadline = Date.now() + patience * 1000;
    while (!pattern.test(this.#output)) {
      if (this.#over) return pattern.test(this.#output);
      if (Date.now() > deadline) throw new Error(`never said ${String(pattern)}:\n${this.#output}`);
      await sleep(20);
    }
    return true;
  }

  /** Its end: exit code (undefined after a signal) and everything that it printed. */
  async end(): Promise<{ exitCode: number | undefined; output: string }> {
    const { exitCode } = await this.#child;
    return { exitCode, output: this.#output };
  }

  /** Kills the victim, and answers the processes of the command that live on. */
  kill(victim: Victim): number[] {
    return this.signal(victim, "SIGKILL").others;
  }

  /** Sends the victim a signal, and answers whom it hit and the command's other processes. */
  signal(victim: Victim, name: NodeJS.Signals): { readonly hit: number[]; readonly others: number[] } {
    const all = descendants(this.#child.pid ?? 0);
    const found = all.filter((process) => isVictim(process, victim, this.#child.pid));
    // A step may have been quicker than this test: then its engine.
    const victims = found.length > 0 ? found : all.filter(({ pid }) => pid === this.#child.pid);
    victims.forEach(({ pid }) => signal(pid, name));
    return {
      hit: victims.map(({ pid }) => pid),
      others: all.filter((process) => !victims.includes(process)).map(({ pid }) => pid),
    };
  }
}

/** Lets stopped processes go on. */
export function goOn(stopped: readonly number[]): void {
  for (const pid of stopped) signal(pid, "SIGCONT");
}

function isVictim({ pid, command }: Process, victim: Victim, engine: number | undefined): boolean {
  if (victim === "power") return true;
  if (victim === "engine") return pid === engine;
  const [kind, name = ""] = victim.split(" ");
  return kind === "plugin"
    ? command.includes(`pulumi-resource-${name}`) || command.includes(`plugins/${name}/`)
    : command.includes(`steps/${name}.ts`);
}

/** Ends what a killed command left behind. They were this test's own: their numbers come from {@link Running.kill}. */
export function bury(orphans: readonly number[]): void {
  for (const pid of orphans) if (/pulumi|steps\//.test(commandOf(pid))) signal(pid, "SIGKILL");
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The process and everything below it, whatever process groups they have made. */
function descendants(root: number): Process[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const parent = parentOf(pid);
      return parent === undefined ? [] : [{ pid, parent, command: commandOf(pid) }];
    });
  const family = all.filter(({ pid }) => pid === root);
  for (let known = -1; known !== family.length;) {
    known = family.length;
    const ids = new Set(family.map(({ pid }) => pid));
    family.push(...all.filter(({ pid, parent }) => ids.has(parent) && !ids.has(pid)));
  }
  return family;
}

/** The fourth field; the second is the program's name in brackets, which may hold blanks. */
function parentOf(pid: number): number | undefined {
  const text = readProcess(pid, "stat");
  return text === "" ? undefined : Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
}

const commandOf = (pid: number): string => readProcess(pid, "cmdline").replaceAll("\0", " ");

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
