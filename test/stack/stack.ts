/** A stack of the real program on a sandbox of its own, driven through the real engine. */
import type { NodeProof } from "../../core/contracts/proveNode.ts";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { ensureStack } from "@onload-kmm/sandbox/devStack";
import type { UpOptions } from "@onload-kmm/sandbox/controlPlane/lifecycle";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { startSandbox, type Sandbox } from "@onload-kmm/sandbox/sandbox";
import { configFileOf } from "@onload-kmm/sandbox/stackConfig";
import type { SwitchName } from "@onload-kmm/sandbox/switches";

/** What state says of a node that was proven: every member is there. */
export type Proof = { readonly [Member in keyof NodeProof]-?: NonNullable<NodeProof[Member]> };

/** `OnloadNode.type`, without loading every provider's package for it. */
const nodeType = "onload-kmm:index:OnloadNode";

export const passphrase = "sandbox";

/** A stack's configuration as in `Pulumi.<stack>.yaml`. */
export interface StackConfig {
  encryptionsalt?: string;
  config: Record<string, unknown>;
}

/** One resource step, from the engine's event log. */
export interface Step {
  readonly op: string;
  readonly type: string;
  readonly name: string;
}

export interface Outcome {
  readonly exitCode: number;
  /** stdout and stderr, as a person would see them. */
  readonly output: string;
  /** Every step that changes something, in the order in which the engine finished planning or doing it. */
  readonly steps: readonly Step[];
}

export interface StackOptions {
  readonly nodes?: number;
  /** Whether the nodes are the control plane, too. */
  readonly compact?: boolean;
  /** Whether the nodes' firmware starts with Secure Boot on; default off, and then no key is asked for. */
  readonly secureBoot?: boolean;
  /** Which KMM; default: the sandbox's. */
  readonly kmm?: Pick<UpOptions, "kmm" | "kmmFolder">;
  /** The passphrase of the stack's secrets, in a file; default: the sandbox's own one. */
  readonly passphrase?: string;
  /** Changes what the sandbox has written into the configuration, before the stack is made. */
  readonly configure?: (config: StackConfig) => void;
}

/** Starts a sandbox in a temporary directory and makes the stack `dev` on it. End it with `end()`. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { nodes, compact, secureBoot = false, kmm } = options;
  const sandbox = await startSandbox({ nodes, compact, secureBoot, ...kmm });
  try {
    const stack = new Stack(sandbox);
    await prepare(stack, options);
    await ensureStack(sandbox);
    return stack;
  } catch (error) {
    // Nobody has this sandbox in hand to end it.
    await sandbox.stop({ purge: true });
    throw error;
  }
}

async function prepare(stack: Stack, { secureBoot = false, passphrase: own, configure }: StackOptions): Promise<void> {
  const config = await stack.config();
  // A test that fails half-way may leave a build hanging: the next one must not wait an hour for it.
  config.config["onload-kmm:build"] = { timeoutMinutes: 10 };
  if (!secureBoot) config.config["onload-kmm:enrolment"] = { mode: "off" };
  if (own !== undefined) config.encryptionsalt = await stackWithPassphrase(stack.sandbox, own);
  configure?.(config);
  await stack.configure(config);
}

/**
 * Makes the stack with a passphrase that is in a file, as docs/secrets.md has it: not in a variable, which every process below
 * Pulumi would inherit. Made elsewhere, since the checkout's configuration has the salt of the sandbox's passphrase.
 *
 * @returns this passphrase's salt
 */
async function stackWithPassphrase(sandbox: Sandbox, text: string): Promise<string> {
  const { dir, env } = sandbox;
  const elsewhere = join(dir, "passphrase-project");
  await mkdir(elsewhere);
  await copyFile(join(projectRoot, "Pulumi.yaml"), join(elsewhere, "Pulumi.yaml"));
  await writeFile(join(dir, "passphrase"), text, { mode: 0o600 });
  env["PULUMI_CONFIG_PASSPHRASE"] = undefined;
  env["PULUMI_CONFIG_PASSPHRASE_FILE"] = join(dir, "passphrase");
  const made = await sandbox.pulumi(["stack", "init", "dev", "--non-interactive"], { cwd: elsewhere });
  if (made.exitCode !== 0) throw new Error(made.stderr);
  const { encryptionsalt = "" } = parse(await readFile(join(elsewhere, "Pulumi.dev.yaml"), "utf8")) as StackConfig;
  return encryptionsalt;
}

export class Stack {
  readonly sandbox: Sandbox;
  readonly configFile: string;
  /** All that Pulumi has printed, but for what was asked for in plain sight. */
  readonly printed: string[] = [];
  #runs = 0;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    this.configFile = configFileOf(sandbox.dir);
  }

  async configure(config: StackConfig): Promise<void> {
    await this.configureText(stringify(config));
  }

  /** As a person types it. */
  async configureText(text: string): Promise<void> {
    await writeFile(this.configFile, text);
  }

  /** `pulumi config set` with the value on its stdin. */
  async give(args: readonly string[], value: string | Uint8Array): Promise<void> {
    const where = ["--stack", "dev", "--config-file", this.configFile, "--non-interactive"];
    const { exitCode, stderr } = await this.sandbox.pulumi(["config", "set", ...where, ...args], { input: value });
    if (exitCode !== 0) throw new Error(stderr);
  }

  async config(): Promise<StackConfig> {
    return parse(await readFile(this.configFile, "utf8")) as StackConfig;
  }

  preview = (...args: string[]): Promise<Outcome> => this.#steps("preview", "--diff", ...args);
  up = (...args: string[]): Promise<Outcome> => this.#steps("up", "--yes", "--skip-preview", ...args);
  destroy = (...args: string[]): Promise<Outcome> => this.#steps("destroy", "--yes", "--skip-preview", ...args);

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse((await this.pulumi("stack", "output", "--json")).output) as Record<string, unknown>;
  }

  /** What the last `up` found on each node that isn't held, by name: the outputs have it in one line. */
  async proofs(): Promise<Proof[]> {
    const { output } = await this.pulumi("stack", "export", "--stack", "dev");
    const { deployment } = JSON.parse(output) as { deployment: { resources?: readonly StoredResource[] } };
    return (deployment.resources ?? [])
      .flatMap(({ type, outputs }) => (type === nodeType ? (outputs?.proof ?? []) : []))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  async pulumi(...args: string[]): Promise<{ exitCode: number; output: string }> {
    // The engine writes its event log only when asked to be debugged.
    const env = { PULUMI_DEBUG_COMMANDS: "true" };
    const { exitCode, stdout, stderr } = await this.sandbox.pulumi([...args, "--non-interactive"], { env });
    if (!args.some((arg) => ["--show-secrets", "--debug"].includes(arg))) this.printed.push(stdout + stderr);
    return { exitCode, output: stdout + stderr };
  }

  /** Sets the sandbox's switches; null takes one off. */
  set(switches: Partial<Record<SwitchName, string | null>>): Promise<void> {
    return this.sandbox.setSwitches(switches);
  }

  async end(): Promise<void> {
    await this.sandbox.stop({ purge: true });
  }

  /** The engine's event log of the last run. */
  async lastEvents(): Promise<Buffer> {
    return readFile(this.#events());
  }

  #events(): string {
    return join(this.sandbox.dir, `events-${this.#runs}.json`);
  }

  async #steps(verb: string, ...args: string[]): Promise<Outcome> {
    this.#runs += 1;
    const events = this.#events();
    const common = ["--stack", "dev", "--config-file", this.configFile, "--event-log", events];
    const run = await this.pulumi(verb, ...common, ...args);
    return { ...run, steps: await readSteps(events, verb === "preview") };
  }
}

interface StoredResource {
  readonly type: string;
  readonly outputs?: { readonly proof?: Proof };
}

interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: StepMetadata };
  readonly resOutputsEvent?: { readonly metadata: StepMetadata };
}

interface StepMetadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
}

async function readSteps(events: string, planned: boolean): Promise<Step[]> {
  const log = await readFile(events, "utf8").catch(() => "");
  return log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as EngineEvent)
    .flatMap((event) => (planned ? event.resourcePreEvent : event.resOutputsEvent) ?? [])
    .map(({ metadata }) => ({
      op: metadata.op,
      type: metadata.type,
      name: metadata.urn.slice(metadata.urn.lastIndexOf("::") + 2),
    }))
    .filter(({ op }) => op !== "same" && op !== "read");
}
