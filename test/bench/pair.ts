/** Our program and the bare one on one sandbox, each with a stack of its own. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@onload-kmm/sandbox/sandbox";
import { startStack, type Stack } from "../stack/stack.ts";
import { bareVariable, type BareInput } from "./bare/input.ts";
import { countKinds, total, type Counts, type Planned } from "./kinds.ts";
import type { Round, Verb } from "./results.ts";
import { measured, type Usage } from "./usage.ts";

const bareDirectory = join(import.meta.dirname, "bare");

/** What the engine is called with; without questions, and without the look at the plan that is measured by itself. */
const commandOf: Readonly<Record<Verb, readonly string[]>> = {
  preview: ["preview"],
  up: ["up", "--yes", "--skip-preview"],
  noop: ["up", "--yes", "--skip-preview", "--expect-no-changes"],
  destroy: ["destroy", "--yes", "--skip-preview"],
};

/** One of the two programs. */
interface Program {
  readonly stack: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly configFile: string;
}

export class Pair {
  readonly stack: Stack;
  readonly nodes: readonly string[];
  /** What ours registers; known once it has run. */
  #counts: Counts = {};
  #rounds = 0;

  private constructor(stack: Stack, nodes: readonly string[]) {
    this.stack = stack;
    this.nodes = nodes;
  }

  /** Starts a sandbox with so many nodes, and makes both stacks. Secure Boot is off: no key is enrolled. End it with `end()`. */
  static async start(nodes: number, width: number): Promise<Pair> {
    const stack = await startStack({
      nodes,
      configure: ({ config }) => (config["onload-kmm:rollout"] = { maxParallel: width }),
    });
    await listInFile(stack);
    await stack.set({ "node.repeats-looks": "." });
    const names = Array.from({ length: nodes }, (_, at) => `worker-${at + 1}`);
    const pair = new Pair(stack, names);
    const made = await pair.#run(pair.#bare(), ["stack", "init", "bare"]).end;
    if (made.exitCode !== 0) throw new Error(made.stderr);
    return pair;
  }

  /** Has each node look at itself once: from then on it repeats its answers. And tells what ours registers. */
  async warmUp(): Promise<void> {
    await this.#measure("ours", "preview");
  }

  end(): Promise<void> {
    return this.stack.end();
  }

  /** Resources that each of the two registers. */
  get resources(): number {
    return total(this.#counts);
  }

  /** Runs both, the other one first at each time: what the machine does besides hits both alike. */
  async round(verb: Verb): Promise<Round> {
    this.#rounds += 1;
    // The bare program has as many resources as ours was seen to have.
    const bareFirst = this.resources > 0 && this.#rounds % 2 === 0;
    const first = bareFirst ? await this.#measure("bare", verb) : undefined;
    const ours = await this.#measure("ours", verb);
    const bare = first ?? (await this.#measure("bare", verb));
    return { ours, bare };
  }

  async #measure(which: "ours" | "bare", verb: Verb): Promise<Usage> {
    const program = which === "ours" ? this.#ours() : this.#bare();
    const events = join(this.stack.sandbox.dir, "bench-events.json");
    const args = [...commandOf[verb], "--stack", program.stack, "--event-log", events];
    const sandbox = (await this.stack.sandbox.status()).flatMap(({ pid }) => pid ?? []);
    const { usage, ended } = await measured(() => this.#run(program, args), sandbox);
    if (ended.exitCode !== 0) throw new Error(`${verb} of ${program.stack} failed:\n${ended.stdout}${ended.stderr}`);
    // A deletion registers nothing.
    if (verb !== "destroy") this.#compare(countKinds(await planIn(events)));
    await rm(events);
    return usage;
  }

  /** That both programs have the same: ratios mean nothing otherwise. */
  #compare(counts: Counts): void {
    if (this.resources === 0) this.#counts = counts;
    const [expected, found] = [this.#counts, counts].map((each) => JSON.stringify(Object.entries(each).sort()));
    if (expected !== found) throw new Error(`one program has ${expected}, the other has ${found}`);
  }

  #run({ cwd, env, configFile }: Program, args: readonly string[]): { pid: number | undefined; end: Promise<Run> } {
    const child = this.stack.sandbox.spawnPulumi([...args, "--non-interactive"], {
      ...(cwd !== undefined && { cwd }),
      // The engine writes its event log only when asked to be debugged.
      env: { PULUMI_DEBUG_COMMANDS: "true", PULUMI_OPTION_CONFIG_FILE: configFile, ...env },
    });
    return { pid: child.pid, end: finished(child) };
  }

  #ours(): Program {
    return { stack: "dev", configFile: this.stack.configFile };
  }

  #bare(): Program {
    const { dir, kubeconfig } = this.stack.sandbox;
    const input: BareInput = { counts: this.#counts, kubeconfig, nodes: this.nodes };
    return {
      stack: "bare",
      cwd: bareDirectory,
      env: { [bareVariable]: JSON.stringify(input) },
      configFile: join(dir, "Pulumi.bare.yaml"),
    };
  }
}

/** The list in a file of its own, at every size: the stack's file holds no thousand nodes. */
async function listInFile(stack: Stack): Promise<void> {
  const { config, ...rest } = await stack.config();
  const { "onload-kmm:nodes": nodes, ...others } = config;
  const nodesFile = join(stack.sandbox.dir, "nodes.yaml");
  await writeFile(nodesFile, JSON.stringify(nodes));
  await stack.configure({ ...rest, config: { ...others, "onload-kmm:nodesFile": nodesFile } });
}

const finished = async (child: ReturnType<Stack["sandbox"]["spawnPulumi"]>): Promise<Run> => {
  const { exitCode = 1, stdout, stderr } = await child;
  return { exitCode, stdout, stderr };
};

interface EngineEvent {
  readonly resourcePreEvent?: {
    readonly metadata: { readonly type: string; readonly new?: { readonly inputs?: Record<string, unknown> } };
  };
}

/** What the engine was asked to register, from its event log. */
async function planIn(events: string): Promise<Planned[]> {
  return (await readFile(events, "utf8"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as EngineEvent)
    .flatMap(({ resourcePreEvent }) => resourcePreEvent ?? [])
    .map(({ metadata }) => ({ type: metadata.type, inputs: metadata.new?.inputs }));
}
