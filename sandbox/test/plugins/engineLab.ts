import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { nodeModulesBin, projectRoot, standInPlugins } from "../../paths.ts";
import { ensureToolchain } from "../../toolchain/toolchain.ts";
import type { PropertyMap } from "../../plugins/core/values.ts";

/** One run of the CLI that has ended. */
export interface Run {
  /** -1 when a signal ended it. */
  exitCode: number;
  /** stdout and stderr as they came. */
  output: string;
}

/** A resource as a state has it. */
export interface StateResource {
  urn: string;
  type: string;
  id: string;
  inputs: PropertyMap;
  outputs: PropertyMap;
}

/** A stack of the program beside this file, in a directory of its own, under the real engine with the stand-ins. */
export class EngineLab {
  readonly dir: string;
  readonly #pulumi: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<ChildProcess>();

  private constructor(dir: string, pulumi: string) {
    this.dir = dir;
    this.#pulumi = pulumi;
    this.#env = {
      ...process.env,
      PATH: [nodeModulesBin, standInPlugins, process.env["PATH"] ?? ""].join(path.delimiter),
      PULUMI_BACKEND_URL: `file://${dir}/state`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_HOME: `${dir}/home`,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
  }

  static async start(kubeconfig: string): Promise<EngineLab> {
    const { bin } = await ensureToolchain();
    const dir = await mkdtemp(path.join(os.tmpdir(), "engine-"));
    const lab = new EngineLab(dir, bin.pulumi);
    await cp(new URL("program", import.meta.url), dir, { recursive: true });
    await cp(kubeconfig, path.join(dir, "kubeconfig"));
    await symlink(path.join(projectRoot, "node_modules"), path.join(dir, "node_modules"));
    await mkdir(path.join(dir, "state"));
    await writeFile(path.join(dir, "package.json"), JSON.stringify({ type: "module", main: "index.ts" }));
    const runtime = { name: "nodejs", options: { typescript: false } };
    await writeFile(path.join(dir, "Pulumi.yaml"), JSON.stringify({ name: "program", main: "index.ts", runtime }));
    await lab.run(["stack", "init", "dev"]);
    return lab;
  }

  /** Runs the CLI to its end. */
  async run(args: string[]): Promise<Run> {
    return await this.spawn(args).ended;
  }

  /** Starts the CLI in a process group of its own. */
  spawn(args: string[]): { child: ChildProcess; ended: Promise<Run> } {
    const child = spawn(this.#pulumi, [...args, "--non-interactive"], {
      cwd: this.dir,
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const parts: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => parts.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => parts.push(bytes));
    this.#running.add(child);
    const ended = once(child, "close").then(([code]) => {
      this.#running.delete(child);
      return { exitCode: typeof code === "number" ? code : -1, output: Buffer.concat(parts).toString("utf8") };
    });
    return { child, ended };
  }

  async up(...args: string[]): Promise<Run> {
    return await this.run(["up", "--yes", "--skip-preview", ...args]);
  }

  /** The state's resources, secrets in plain text. */
  async resources(): Promise<StateResource[]> {
    const { output } = await this.run(["stack", "export", "--show-secrets"]);
    return (JSON.parse(output) as { deployment: { resources?: StateResource[] } }).deployment.resources ?? [];
  }

  /** The state as it lies on disk. */
  async stateFile(): Promise<string> {
    return await readFile(path.join(this.dir, "state/.pulumi/stacks/program/dev.json"), "utf8");
  }

  /** Ends what a failed test has left running, and removes the directory. */
  async stop(): Promise<void> {
    for (const child of this.#running) child.kill("SIGKILL");
    await rm(this.dir, { recursive: true, maxRetries: 5 });
  }
}

/** Processes whose command line has `part` and whose environment names this directory as Pulumi's home. */
export async function processesOf(dir: string, part: string): Promise<number[]> {
  const found = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const [command, environment] = await Promise.all(
      ["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
    );
    if (command?.includes(part) === true && environment?.includes(`PULUMI_HOME=${dir}/home`) === true)
      found.push(Number(pid));
  }
  return found;
}

/** Resolves when the condition is met; fails when it isn't within `seconds`. */
export async function until(met: () => Promise<boolean> | boolean, seconds = 120): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await met())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${met.toString()}`);
    await delay(25);
  }
}
