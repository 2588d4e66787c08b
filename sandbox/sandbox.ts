/** A sandbox for programs: tests make one of their own with `startSandbox`, the demo opens the user's. */
import { mkdtemp } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { atSignal } from "./atSignal.ts";
import { readAuditLog, type AuditEntry } from "./controlPlane/audit.ts";
import { kubeconfigFile } from "./controlPlane/credentials.ts";
import { down, startAgain, status, up, type ServiceStatus, type UpOptions } from "./controlPlane/lifecycle.ts";
import { ended, pause, signal, signalGroup, type ProcessRecord } from "./controlPlane/processes.ts";
import { readState, type ServiceName } from "./controlPlane/state.ts";
import { engineEnvironment } from "./engine.ts";
import { projectRoot, stateDirectory } from "./paths.ts";
import { SWITCHES_TARGET, unaware, type SwitchName } from "./switches.ts";
import { ensureToolchain, type Toolchain } from "./toolchain/toolchain.ts";

export type { AuditEntry } from "./controlPlane/audit.ts";
export { isWrite } from "./controlPlane/audit.ts";

/** How a program ended. */
export interface Run {
  /** 128 and the signal's number when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What {@link Sandbox.pulumi} takes. */
export interface PulumiOptions {
  readonly input?: string | Uint8Array;
  /** Added to the sandbox's environment; `undefined` takes a variable out. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the checkout. */
  readonly cwd?: string;
}

/**
 * Makes a sandbox and brings it up: in a new temporary directory unless `dir` says where. End it with
 * `stop({ purge: true })`. In a temporary directory it also ends when a signal ends this process.
 */
export async function startSandbox(options: UpOptions & { readonly dir?: string } = {}): Promise<Sandbox> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "onload-kmm-")));
  if (options.dir === undefined) atSignal(() => down(dir, true));
  try {
    await up(dir, options);
    return await Sandbox.open(dir);
  } catch (error) {
    // Nobody has this sandbox in hand to end it.
    if (options.dir === undefined) await down(dir, true);
    throw error;
  }
}

/** Brings the user's own sandbox up (`ONLOAD_KMM_SANDBOX`, else `.sandbox`), as `npm run sandbox -- up` does. */
export function openSandbox(): Promise<Sandbox> {
  return startSandbox({ dir: stateDirectory() });
}

/** A sandbox that is up. */
export class Sandbox {
  /** Its state directory. */
  readonly dir: string;
  /** Path: the user `admin` through the gateway, context `sandbox`. */
  readonly kubeconfig: string;
  /** For the Pulumi CLI; `pulumi` and `kubectl` are on its PATH. */
  readonly env: NodeJS.ProcessEnv;
  readonly #toolchain: Toolchain;

  private constructor(dir: string, env: NodeJS.ProcessEnv, toolchain: Toolchain) {
    this.dir = dir;
    this.kubeconfig = kubeconfigFile(dir, "kubeconfig");
    this.env = env;
    this.#toolchain = toolchain;
  }

  /** The sandbox that is up in `dir`. */
  static async open(dir: string): Promise<Sandbox> {
    const toolchain = await ensureToolchain();
    return new Sandbox(dir, await engineEnvironment(dir, toolchain), toolchain);
  }

  /** Runs kubectl as `admin` and gives its stdout. Throws with its stderr when it fails. */
  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const kubectl = this.#toolchain.bin.kubectl;
    const ran = await execa(kubectl, ["--kubeconfig", this.kubeconfig, ...args], {
      ...(input === undefined ? { stdin: "ignore" } : { input }),
      stripFinalNewline: false,
    });
    return ran.stdout;
  }

  /** Runs the Pulumi CLI to its end, whatever its exit code. */
  async pulumi(args: readonly string[], options: PulumiOptions = {}): Promise<Run> {
    const { exitCode, signal: name, stdout, stderr } = await this.spawnPulumi(args, options);
    return { exitCode: exitCode ?? (name === undefined ? 1 : 128 + constants.signals[name]), stdout, stderr };
  }

  /** Starts the Pulumi CLI in a process group of its own, for tests that interrupt or kill it. Never rejects. */
  spawnPulumi(args: readonly string[], options: PulumiOptions = {}) {
    const running = execa(this.#toolchain.bin.pulumi, args, {
      cwd: options.cwd ?? projectRoot,
      env: { ...this.env, ...options.env },
      extendEnv: false,
      input: options.input ?? "",
      reject: false,
      detached: true,
      stripFinalNewline: false,
    });
    const { pid } = running;
    if (pid === undefined) return running;
    const forget = atSignal(() => {
      signalGroup(pid, "SIGKILL");
      return running;
    });
    void running.finally(forget);
    return running;
  }

  /** Sets switches; null takes one off. Resolves when all stand-ins know of it, or some haven't heard of it for long. */
  async setSwitches(switches: Partial<Record<SwitchName, string | null>>): Promise<void> {
    const { namespace, name } = SWITCHES_TARGET;
    const patch = ["--type=merge", "-p", JSON.stringify({ data: switches })];
    const version = ["-o", "jsonpath={.metadata.resourceVersion}"];
    const now = await this.kubectl(["-n", namespace, "patch", "configmap", name, ...patch, ...version]);
    // One that is paused hears of nothing.
    const giveUp = AbortSignal.timeout(30_000);
    while (!giveUp.aborted && (await unaware(this.dir, now)).length > 0) await sleep(20);
  }

  /** Every write to the API server so far, and what `admin` read. */
  auditLog(): Promise<AuditEntry[]> {
    return readAuditLog(this.dir);
  }

  /** The state of its processes. */
  async status(): Promise<ServiceStatus[]> {
    return (await status(this.dir))?.services ?? [];
  }

  /** Stops a process where it is (SIGSTOP): it keeps its connections and answers nothing. */
  async pause(name: ServiceName): Promise<void> {
    await pause(await this.#record(name));
  }

  /** Lets a paused process go on. */
  async resume(name: ServiceName): Promise<void> {
    signal(await this.#record(name), "SIGCONT");
  }

  /** Ends a process at once (SIGKILL), and resolves when it is gone. */
  async kill(name: ServiceName): Promise<void> {
    const record = await this.#record(name);
    signal(record, "SIGKILL");
    await ended(record, 10_000);
  }

  /** Starts a process that was killed, and resolves when it serves again. */
  async start(name: ServiceName): Promise<void> {
    await startAgain(this.dir, name);
  }

  /** Kills a process and starts it again. */
  async restart(name: ServiceName): Promise<void> {
    await this.kill(name);
    await this.start(name);
  }

  /** Upgrades KMM, and nothing else, and resolves when the later one has taken over. */
  async upgradeKmm(to: Pick<UpOptions, "kmm" | "kmmFolder">): Promise<void> {
    await up(this.dir, to);
  }

  /** Ends all processes. `purge` removes the state directory. */
  async stop({ purge = false } = {}): Promise<void> {
    await down(this.dir, purge);
  }

  async #record(name: ServiceName): Promise<ProcessRecord> {
    const record = (await readState(this.dir))?.processes[name];
    if (!record) throw new Error(`${name} was never started in ${this.dir}`);
    return record;
  }
}
