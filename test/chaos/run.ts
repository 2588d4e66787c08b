/** Runs a plan on a sandbox of its own, and checks after each operation what must hold. */
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bury } from "../faults/running.ts";
import { Enrolling } from "../faults/nodes/enrolling.ts";
import { Checks } from "./checks.ts";
import { LeaseWatch } from "./leases.ts";
import { operate, type Ran } from "./operate.ts";
import { Outcome } from "./outcome.ts";
import type { Change, Operation, Plan } from "./plan.ts";
import type { Hands } from "./place.ts";
import { changed, configure, firstWanted, nameOf } from "./wanted.ts";

export interface RunOptions {
  /** Milliseconds since 1970: no operation of the plan starts after this; the quiet end still comes. */
  readonly deadline: number;
  /** Where what was printed and logged is kept. */
  readonly folder: string;
  readonly tell: (line: string) => void;
  /** Aborted when all shall end at once. */
  readonly stop: AbortSignal;
}

/** Runs the plan until the first invariant is broken, or to its quiet end. */
export async function runPlan(plan: Plan, options: RunOptions): Promise<Outcome> {
  await mkdir(options.folder, { recursive: true });
  await writeFile(join(options.folder, "plan.json"), `${JSON.stringify(plan, null, 2)}\n`);
  const { maxParallel } = plan;
  const nodes = await Enrolling.start({ nodes: plan.nodes, mode: "console", rollout: { maxParallel } });
  const leases = await LeaseWatch.start(nodes.scene.stack.sandbox.dir);
  const life = new Life(plan, { nodes, leases }, options);
  try {
    await life.live();
  } finally {
    await life.keepLogs();
    await leases.stop();
    bury(life.hands.orphans);
    await nodes.end();
  }
  return life.outcome;
}

/** A stack's life through one plan. */
class Life {
  readonly outcome = new Outcome();
  readonly hands: Hands = { boots: [], orphans: [], bastions: 0 };
  readonly #plan: Plan;
  readonly #nodes: Enrolling;
  readonly #options: RunOptions;
  readonly #checks: Checks;
  #wanted;
  #entries: readonly { readonly name: string }[] = [];
  /** Whether the state holds a stack that was up. */
  #isUp = false;

  constructor(
    plan: Plan,
    { nodes, leases }: { readonly nodes: Enrolling; readonly leases: LeaseWatch },
    options: RunOptions,
  ) {
    this.#plan = plan;
    this.#nodes = nodes;
    this.#options = options;
    this.#wanted = firstWanted(plan.nodes);
    const { hands, outcome } = this;
    this.#checks = new Checks({ plan, scene: nodes.scene, leases, hands, outcome });
  }

  async live(): Promise<void> {
    const { config } = await this.#nodes.scene.stack.config();
    this.#entries = config["onload-kmm:nodes"] as { name: string }[];
    // So quick a build as the sandbox's own is over before anybody sees it run.
    await this.#nodes.scene.set({ "build.seconds": "3" });
    await this.#checks.begin();
    this.outcome.plans = 1;
    for (const [index, operation] of this.#plan.operations.entries()) {
      if (this.#isOver()) break;
      if (Date.now() > this.#options.deadline) {
        this.#options.tell(`  time is up: operations ${index + 1} to ${this.#plan.operations.length} were left out`);
        break;
      }
      await this.#operation(operation, index + 1);
    }
    if (!this.#isOver()) await this.#quietEnd();
  }

  #isOver(): boolean {
    return this.#options.stop.aborted || this.outcome.broken.length > 0;
  }

  async #operation(operation: Operation, number: number): Promise<void> {
    for (const change of operation.changes) await this.#change(change);
    await this.#configure();
    const ran = await this.#run(operation, number);
    if (operation.verb === "destroy") this.#isUp = false;
    else if (operation.verb === "up") this.#isUp ||= ran.isGreen;
    await this.#checks.after(ran, number);
  }

  /** Everything that was in the way is gone: one `up` ends in the full state, and the next has nothing to do. */
  async #quietEnd(): Promise<void> {
    const { scene } = this.#nodes;
    for (const { name } of this.#entries) await scene.untilReady(name, "True");
    const number = this.#plan.operations.length + 1;
    const quiet: Operation = { verb: "up", skewSeconds: 0, changes: [], accidents: [] };
    await this.#configure();
    const ran = await this.#run(quiet, number);
    this.outcome.check("converges", number, ran.isGreen ? [] : [lastWords(ran.output)]);
    await this.#checks.after(ran, number);
    if (this.#isOver()) return;
    const { exitCode, output, steps } = await scene.stack.up("--expect-no-changes");
    const done = steps.map(({ op, name }) => `${op} ${name}`);
    this.outcome.check("rests", number, exitCode === 0 ? done : [...done, lastWords(output)]);
  }

  async #run(operation: Operation, number: number): Promise<Ran> {
    const { tell, folder, stop } = this.#options;
    await this.#nodes.scene.unlock("up");
    const listed = this.#wanted.listed.map(nameOf);
    const rolled = this.#wanted.listed.filter((node) => !this.#wanted.held.includes(node)).map(nameOf);
    this.#checks.begins({ verb: operation.verb, began: Date.now(), listed });
    const { scene } = this.#nodes;
    const ran = await operate(scene, operation, { hands: this.hands, isUp: this.#isUp, rolled, stop });
    for (const { kind, missed } of ran.met) this.outcome.met(kind, missed === undefined);
    this.outcome.operations += 1;
    await writeFile(join(folder, `operation-${number}.log`), ran.output);
    const met = ran.met.map(({ kind, missed }) => (missed === undefined ? kind : `no ${kind} (${missed})`)).join(", ");
    tell(`  ${number}. ${operation.verb}: ${ran.isGreen ? "green" : "ended otherwise"}${met === "" ? "" : `; ${met}`}`);
    return ran;
  }

  async #change(change: Change): Promise<void> {
    this.#wanted = changed(this.#wanted, change);
    if (change.kind !== "mainboard") return;
    const node = nameOf(change.node);
    await this.#checks.meet();
    this.hands.boots.push({ node, at: Date.now() });
    await this.#nodes.renew(node);
  }

  async #configure(): Promise<void> {
    const { stack } = this.#nodes.scene;
    const { maxParallel } = this.#plan;
    await stack.configure(configure(await stack.config(), this.#wanted, { entries: this.#entries, maxParallel }));
  }

  async keepLogs(): Promise<void> {
    const { dir } = this.#nodes.scene.stack.sandbox;
    for (const what of ["logs", "audit.log", "nodes"]) {
      await cp(join(dir, what), join(this.#options.folder, what), { recursive: true }).catch(() => undefined);
    }
  }
}

const lastWords = (output: string): string => output.trim().split("\n").slice(-40).join("\n");
