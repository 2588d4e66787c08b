/**
 * `npm run test:chaos [-- --minutes 60 --seed N]`: plans of the seeds N, N+1, … one after the other, until the time is up or
 * an invariant is broken. See docs/chaos.md.
 */
import { readFile, writeFile } from "node:fs/promises";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { ensureToolchain } from "@onload-kmm/sandbox/toolchain/toolchain";
import { report, UserError } from "@onload-kmm/sandbox/userError";
import { planOf } from "./generate.ts";
import { Outcome, tableOf } from "./outcome.ts";
import { planSchema, type Plan } from "./plan.ts";
import { reduce } from "./reduce.ts";
import { runPlan } from "./run.ts";

const say = (line: string): unknown => process.stdout.write(`${line}\n`);

/** Milliseconds that a plan's quiet end takes on a busy machine. */
const quietEnd = 120_000;

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());

interface Order {
  readonly minutes: number;
  readonly seed: number;
  readonly plan?: string | undefined;
  readonly reduce: boolean;
  readonly nodes: number;
  readonly operations: number;
}

function orderOf(args: string[]): Order {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: "string", default: "5" },
      seed: { type: "string" },
      plan: { type: "string" },
      reduce: { type: "boolean", default: false },
      nodes: { type: "string", default: "3" },
      operations: { type: "string", default: "6" },
    },
  });
  const number = (name: "minutes" | "nodes" | "operations" | "seed", text: string): number => {
    if (!/^\d+$/.test(text)) throw new UserError(`--${name} ${text}: expected a whole number`);
    return Number(text);
  };
  return {
    minutes: number("minutes", values.minutes),
    seed: values.seed === undefined ? randomInt(1_000_000) : number("seed", values.seed),
    ...{ plan: values.plan, reduce: values.reduce },
    nodes: number("nodes", values.nodes),
    operations: number("operations", values.operations),
  };
}

/** Plans one after the other; answers what came of all. */
async function runAll(order: Order, fixed: Plan | undefined): Promise<Outcome> {
  // Built on a new machine, which takes longer than all plans.
  await ensureToolchain();
  const deadline = Date.now() + order.minutes * 60_000 - quietEnd;
  const all = new Outcome();
  for (let seed = order.seed; Date.now() < deadline && !stop.signal.aborted; seed++) {
    const plan = fixed ?? planOf(seed, order);
    const name = plan.seed === undefined ? "plan" : `seed-${plan.seed}`;
    const folder = join(projectRoot, ".test-results/chaos", name);
    say(`${name}: ${plan.nodes} nodes, maxParallel ${plan.maxParallel}`);
    const outcome = await runPlan(plan, { deadline, folder, tell: say, stop: stop.signal });
    all.add(outcome);
    if (outcome.broken.length > 0) await broken(plan, { outcome, folder, order });
    if (outcome.broken.length > 0 || fixed !== undefined) break;
  }
  return all;
}

async function main(order: Order): Promise<number> {
  const { plan } = order;
  say(plan === undefined ? `seed ${order.seed}` : `plan ${plan}`);
  const fixed = plan === undefined ? undefined : planSchema.parse(JSON.parse(await readFile(plan, "utf8")));
  const all = await runAll(order, fixed);
  say(tableOf(all));
  return all.broken.length > 0 || all.operations === 0 || stop.signal.aborted ? 1 : 0;
}

interface Failed {
  readonly outcome: Outcome;
  readonly folder: string;
  readonly order: Order;
}

async function broken(plan: Plan, failed: Failed): Promise<void> {
  const { outcome, folder, order } = failed;
  for (const { invariant, operation, what } of outcome.broken) {
    say(`BROKEN ${invariant}, seed ${plan.seed ?? "none"}, operation ${operation}: ${what.join("; ")}`);
  }
  say(`What was printed and logged is in ${folder}`);
  say(`Again: npm run test:chaos -- --plan ${join(folder, "plan.json")}`);
  if (order.reduce) await makeSmaller(plan, failed);
}

/** Runs smaller plans for as long as the first one's time, and saves the smallest that breaks the same. */
async function makeSmaller(plan: Plan, { outcome, folder, order }: Failed): Promise<void> {
  const names = new Set(outcome.broken.map(({ invariant }) => invariant));
  const end = Date.now() + order.minutes * 60_000;
  let tries = 0;
  const stillFails = async (smaller: Plan): Promise<boolean> => {
    tries += 1;
    const tried = { deadline: Infinity, folder: join(folder, `smaller-${tries}`), tell: say, stop: stop.signal };
    const { broken } = await runPlan(smaller, tried);
    const fails = broken.some(({ invariant }) => names.has(invariant));
    say(`smaller plan ${tries} ${fails ? "breaks the same" : "doesn't break it"}`);
    return fails;
  };
  const smallest = await reduce(plan, stillFails, () => Date.now() < end && !stop.signal.aborted);
  const file = join(folder, "smallest.json");
  await writeFile(file, `${JSON.stringify(smallest, null, 2)}\n`);
  say(`The smallest plan: npm run test:chaos -- --plan ${file}`);
}

try {
  process.exitCode = await main(orderOf(process.argv.slice(2)));
} catch (error) {
  process.exitCode = report("npm run test:chaos", error);
}
