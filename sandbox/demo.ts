/**
 * `npm run demo`: the program's main job on the sandbox, told as it goes on.
 *
 *   --cycle   the whole life: preview, up, no-op up, forced rebuild, destroy, with the time of each
 *   --clean   destroy the stack, end the sandbox, remove its state
 */
import { copyFile } from "node:fs/promises";
import { basename, delimiter, dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { parseResourceLine, planSentences, resourceCounts, whyFailed } from "./demo/engineLines.ts";
import { Milestones } from "./demo/milestones.ts";
import { newestReport } from "./demo/reports.ts";
import { Story } from "./demo/story.ts";
import { Tools, type Ran } from "./demo/tools.ts";
import { ensureStack } from "./devStack.ts";
import { formatElapsed } from "./toolchain/pace.ts";
import { isDefaultDirectory, projectRoot } from "./paths.ts";
import { openSandbox, type Sandbox } from "./sandbox.ts";
import { configFileOf, stackName } from "./stackConfig.ts";
import { ensureToolchain } from "./toolchain/toolchain.ts";
import { report, UserError } from "./userError.ts";

const story = new Story();

/** So many lines tell why a command failed; the log has all. */
const mostLinesOfFailure = 24;

/** As the user would type it: relative to where they are, if that is below. */
function shown(path: string): string {
  const from = relative(process.env["INIT_CWD"] ?? process.cwd(), path);
  return from.startsWith("..") ? path : from;
}

/** Plugins of the engine that the sandbox stands in for: `nodejs`, `kubernetes`. */
function standIns({ dir, env }: Sandbox): string[] {
  const folders = (env["PATH"] ?? "").split(delimiter);
  return folders
    .filter((folder) => dirname(folder) === join(dir, "stand-in-plugins"))
    .map((folder) => basename(folder).replace(/^pulumi-(language|resource)-/, ""));
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { cycle: { type: "boolean" }, clean: { type: "boolean" } } });
  story.heading("onload-kmm: OpenOnload's kernel modules, signed, trusted and loaded");
  story.say("A cluster on this machine: Pulumi, API server and etcd are real; builds, KMM and nodes are stand-ins.");
  // A first build has a display of its own; and what is said of ports that others have would run into a line of ours.
  await ensureToolchain();
  const began = Date.now();
  const sandbox = await openSandbox();
  story.begin("The cluster runs, on loopback only", began).end(true);
  const demo = await Demo.begin(sandbox, values.cycle === true);
  if (values.clean === true) return demo.clean();
  if (values.cycle === true) return demo.cycle();
  return demo.run();
}

class Demo {
  readonly #sandbox: Sandbox;
  readonly #tools: Tools;
  readonly #config: string;
  readonly #times: [string, number][] = [];

  private constructor(sandbox: Sandbox, tools: Tools, config: string) {
    this.#sandbox = sandbox;
    this.#tools = tools;
    this.#config = config;
  }

  /** The cycle changes the configuration, so it works on a copy. */
  static async begin(sandbox: Sandbox, onCopy: boolean): Promise<Demo> {
    await ensureStack(sandbox);
    const config = configFileOf(sandbox.dir);
    const copy = join(sandbox.dir, "Pulumi.cycle.yaml");
    if (onCopy) await copyFile(config, copy);
    const tools = await Tools.open(join(sandbox.dir, "logs", "demo.log"), projectRoot, sandbox.env);
    const names = standIns(sandbox);
    if (names.length > 0) story.say(`Stand-ins for Pulumi's plugins: ${names.join(", ")} (sandbox/plugins/README.md).`);
    story.say("All that the tools say goes into this file:");
    story.show([`  ${shown(tools.log)}`]);
    return new Demo(sandbox, tools, onCopy ? copy : config);
  }

  async run(): Promise<void> {
    await this.#preview();
    await this.#up("Roll-out: the first node is the canary, the others follow one by one");
    await this.#status();
    story.heading("And now");
    story.show([
      "  npm run pulumi -- up            again: nothing changes",
      "  npm run demo -- --cycle         again, a forced rebuild, and its removal",
      "  npm run status                  the nodes at a glance",
      "  npm run demo -- --clean         remove everything",
    ]);
  }

  async cycle(): Promise<void> {
    await this.#preview();
    await this.#up("Roll-out: the first node is the canary, the others follow one by one");
    await this.#status();
    await this.#up("Again: nothing may change", "--expect-no-changes");
    await this.#up("A forced rebuild", "--config", "onload-kmm:rebuild=1");
    await this.#status();
    await this.#destroy();
    story.heading("Time");
    const total = this.#times.reduce((sum, [, ms]) => sum + ms, 0);
    for (const [what, ms] of [...this.#times, ["in all", total] as const]) {
      story.show([`  ${formatElapsed(ms)}  ${what}`]);
    }
  }

  async clean(): Promise<void> {
    await this.#destroy();
    await story.step("The sandbox has ended, its state is removed", () => this.#sandbox.stop({ purge: true }));
    story.say("The tools that were built for it stay cached.");
  }

  async #preview(): Promise<void> {
    story.heading("Preview: what would change, and what is wrong, before anything is touched");
    const { lines } = await this.#pulumi("preview");
    for (const sentence of planSentences(lines)) story.say(sentence, 2);
  }

  async #up(heading: string, ...args: string[]): Promise<void> {
    story.heading(heading);
    await this.#pulumi("up", "--yes", "--skip-preview", ...args);
  }

  async #destroy(): Promise<void> {
    story.heading("Remove everything: the nodes leave first, each by itself");
    await this.#pulumi("destroy", "--yes", "--skip-preview");
  }

  /** What a person would look at: the table of the nodes, and the report where there is one. */
  async #status(): Promise<void> {
    story.heading("Every node, as the cluster and the node itself tell: npm run status");
    const choice = ["--stack", stackName, "--config-file", this.#config, "--columns", String(story.width)];
    const ran = await this.#tools.run(process.execPath, ["sandbox/operate.ts", "scripts/status.ts", ...choice]);
    if (ran.exitCode !== 0) this.#fail("npm run status", ran);
    story.show(ran.lines);
    const home = isDefaultDirectory(this.#sandbox.dir) ? projectRoot : this.#sandbox.dir;
    const file = await newestReport(join(home, "reports", stackName));
    if (file !== undefined) story.show(["", "Report of this roll-out, for a browser:", `  ${shown(file)}`]);
  }

  /** Runs the CLI as a person would; its failure ends the demo. */
  async #pulumi(verb: string, ...args: string[]): Promise<Ran> {
    const began = Date.now();
    const step = story.begin(`$ pulumi ${[verb, ...args].join(" ")}`);
    const milestones = new Milestones(story);
    const common = ["--stack", stackName, "--config-file", this.#config, "--suppress-outputs", "--non-interactive"];
    const ran = await this.#tools.run("pulumi", [verb, ...common, ...args], (line) => {
      const resource = parseResourceLine(line);
      if (resource !== undefined) milestones.saw(resource);
    });
    milestones.end();
    step.end(ran.exitCode === 0);
    if (ran.exitCode !== 0) this.#fail(`pulumi ${verb}`, ran);
    const counts = resourceCounts(ran.lines);
    if (counts !== undefined) story.say(`Resources: ${counts}`, 2);
    this.#times.push([`pulumi ${verb}`, Date.now() - began]);
    return ran;
  }

  /** Shows why, and what to do; the exit code is main's. */
  #fail(command: string, { exitCode, lines }: Ran): never {
    story.heading(`${command} failed with exit code ${exitCode}. What it said last:`);
    for (const line of whyFailed(lines, mostLinesOfFailure)) story.say(line);
    story.heading("What to do");
    story.show([
      "  fix what it names, then run the same command again: it continues",
      "  npm run status                  the nodes at a glance",
      "  all that was said is in:",
      `  ${shown(this.#tools.log)}`,
    ]);
    throw new UserError(`${command} failed`);
  }
}

process.exitCode = await main().then(
  () => 0,
  (error: unknown) => report("demo", error),
);
