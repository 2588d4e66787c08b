/**
 * `npm run bench [-- --nodes 10,100 --rounds 5 --only preview,noop]`: what this program costs, beside a bare Pulumi program that
 * registers as many resources of the same kinds (bare/main.ts), on sandboxes of its own. Writes the measured part of
 * docs/performance.md; what a run leaves out stays as an earlier run in this checkout has found it. Judges nothing.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { format, resolveConfig } from "prettier";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { ensureToolchain } from "@onload-kmm/sandbox/toolchain/toolchain";
import { report } from "@onload-kmm/sandbox/userError";
import { between } from "../../scripts/documents/between.ts";
import { measureSize, type Measured } from "./lives.ts";
import { machine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { measuredPart } from "./page.ts";
import { renewed, type Results, type Start } from "./results.ts";
import { measureRollOuts } from "./rollout.ts";
import { measureStarts } from "./start.ts";

const page = join(projectRoot, "docs", "performance.md");
/** What earlier runs in this checkout have found. */
const record = join(projectRoot, ".test-results", "bench.json");

/** How often each start is measured. */
const starts = 5;

const tell = (line: string): void => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);

/** Each part is written as soon as it is there: a run takes long. */
async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const { bin } = await ensureToolchain();
  const pulumi = (await execa(bin.pulumi, ["version"])).stdout.trim();
  const nothing: Results = { machine: machine(pulumi), series: [], starts: [], turns: [] };
  if (options.only.includes("start")) await keep({ ...nothing, starts: await starting() });
  const watching = { tell, keep: (found: Measured) => keep({ ...nothing, ...found }) };
  for (const nodes of options.nodes) await watching.keep(await measureSize(nodes, options, watching));
  if (options.only.includes("rollout")) await keep({ ...nothing, turns: await measureRollOuts() });
}

/** Puts what was found in the place of what was found before, and writes the page. */
async function keep(found: Results): Promise<void> {
  const before = await readFile(record, "utf8").catch(() => undefined);
  const results = renewed(before === undefined ? undefined : (JSON.parse(before) as Results), found);
  await mkdir(dirname(record), { recursive: true });
  await writeFile(record, JSON.stringify(results, undefined, 1));
  const text = between(await readFile(page, "utf8"), "measured", `\n${measuredPart(results)}\n`);
  await writeFile(page, await format(text, { ...(await resolveConfig(page)), filepath: page }));
}

/** Without and with what Node keeps of compiled code. */
async function starting(): Promise<Start[]> {
  const cache = await mkdtemp(join(tmpdir(), "onload-kmm-bench-"));
  try {
    return [...(await measureStarts(starts)), ...(await measureStarts(starts, cache))];
  } finally {
    await rm(cache, { recursive: true });
  }
}

await main(process.argv.slice(2)).catch((error: unknown) => (process.exitCode = report("bench", error)));
