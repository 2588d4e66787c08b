/**
 * `npm run demo`: the program's main job on the sandbox, narrated as it runs.
 *
 *   --cycle   the whole life: preview, up, no-op up, forced rebuild, destroy, with the time of each
 *   --clean   destroy the stack, end the sandbox, remove its state
 */
import { spawn } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { ensureStack } from "./devStack.ts";
import { projectRoot } from "./paths.ts";
import { openSandbox, type Sandbox } from "./sandbox.ts";
import { configFileOf, stackName } from "./stackConfig.ts";
import { report } from "./userError.ts";

/** An output's value in one line. */
function inOneLine(value: unknown): string {
  return (typeof value === "string" ? value : JSON.stringify(value)).replace(/\n[^]*/, " …");
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { cycle: { type: "boolean" }, clean: { type: "boolean" } } });
  say("The sandbox: a cluster on this machine");
  const sandbox = await openSandbox();
  const demo = await Demo.begin(sandbox, values.cycle === true);
  if (values.clean === true) return demo.clean();
  if (values.cycle === true) return demo.cycle();
  return demo.run();
}

/** Prints a heading; what follows is the tools' own output. */
function say(heading: string): void {
  process.stdout.write(`\n━━ ${heading}\n`);
}

class Demo {
  readonly #sandbox: Sandbox;
  readonly #config: string[];
  readonly #times: [string, number][] = [];

  private constructor(sandbox: Sandbox, config: string[]) {
    this.#sandbox = sandbox;
    this.#config = config;
  }

  /** The cycle changes the configuration, so it works on a copy. */
  static async begin(sandbox: Sandbox, onCopy: boolean): Promise<Demo> {
    await ensureStack(sandbox);
    const config = configFileOf(sandbox.dir);
    const copy = join(sandbox.dir, "Pulumi.cycle.yaml");
    if (onCopy) await copyFile(config, copy);
    return new Demo(sandbox, ["--config-file", onCopy ? copy : config]);
  }

  async run(): Promise<void> {
    await this.#pulumi("Preview", "preview");
    await this.#pulumi("Build, sign, load, prove", "up", "--yes", "--skip-preview");
    await this.#show();
    say("And now");
    process.stdout.write(
      "  npm run pulumi -- up                                again: nothing changes\n" +
        "  npm run pulumi -- up --config onload-kmm:rebuild=1  build, sign and load again\n" +
        "  npm run demo -- --clean                             remove everything\n",
    );
  }

  async cycle(): Promise<void> {
    await this.#pulumi("Preview", "preview");
    await this.#pulumi("Build, sign, load, prove", "up", "--yes", "--skip-preview");
    await this.#show();
    await this.#pulumi("Again: nothing changes", "up", "--yes", "--skip-preview", "--expect-no-changes");
    const rebuild = ["--config", "onload-kmm:rebuild=1"];
    await this.#pulumi("A forced rebuild", "up", "--yes", "--skip-preview", ...rebuild);
    await this.#show();
    await this.#pulumi("Remove everything", "destroy", "--yes", "--skip-preview");
    say("Time");
    const total = this.#times.reduce((sum, [, seconds]) => sum + seconds, 0);
    for (const [what, seconds] of [...this.#times, ["in all", total] as const]) {
      process.stdout.write(`  ${seconds.toFixed(1).padStart(6)} s  ${what}\n`);
    }
  }

  async clean(): Promise<void> {
    await this.#pulumi("Remove everything", "destroy", "--yes", "--skip-preview");
    await this.#sandbox.stop({ purge: true });
    say("The sandbox has ended and its state is removed; the tools built for it stay cached");
  }

  /** What a person would look at: the nodes' labels, and what KMM says is loaded. */
  async #show(): Promise<void> {
    say("Outputs");
    const json = await this.#run("pulumi", ["stack", "output", "--stack", stackName, "--json"], "capture");
    const { proofs, ...others } = JSON.parse(json) as { proofs: Record<string, string> } & Record<string, unknown>;
    for (const [name, value] of Object.entries(others)) {
      process.stdout.write(`${name.padEnd(24)}${inOneLine(value)}\n`);
    }
    say("Proofs: what each node itself reports");
    // A part in each line: all of them in one are wider than 80 columns.
    for (const [node, proof] of Object.entries(proofs)) {
      process.stdout.write(`${node}: ${proof.replaceAll(", ", "\n    ")}\n`);
    }
    say("What KMM reports as loaded");
    const columns = "NODE:.metadata.name,IMAGE:.status.modules[*].config.containerImage,BOOT:.status.modules[*].bootId";
    await this.#run("kubectl", ["get", "nodemodulesconfigs", "-o", `custom-columns=${columns}`]);
  }

  async #pulumi(what: string, verb: string, ...args: string[]): Promise<void> {
    say(`${what}: pulumi ${[verb, ...args].join(" ")}`);
    const began = Date.now();
    // The outputs are shown below, each once.
    await this.#run("pulumi", [verb, "--stack", stackName, "--suppress-outputs", ...this.#config, ...args]);
    this.#times.push([`pulumi ${verb}`, (Date.now() - began) / 1000]);
  }

  /** Runs a tool as a person would, in the sandbox's environment; its failure ends the demo. Answers what it captured. */
  async #run(program: "pulumi" | "kubectl", args: string[], output: "show" | "capture" = "show") {
    const stdout = ({ show: "inherit", capture: "pipe" } as const)[output];
    const child = spawn(program, args, {
      cwd: projectRoot,
      env: { ...this.#sandbox.env, KUBECONFIG: this.#sandbox.kubeconfig },
      stdio: ["inherit", stdout, "inherit"],
    });
    const ended = new Promise<number | null>((resolve, reject) => child.on("close", resolve).on("error", reject));
    const captured = child.stdout === null ? "" : await text(child.stdout);
    const code = await ended;
    if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed with exit code ${code ?? "none"}`);
    return captured;
  }
}

process.exitCode = await main().then(
  () => 0,
  (error: unknown) => report("demo", error),
);
