/**
 * `npm run test:kmm -- --kmm WHICH`: KMM's contract tests and a stack's life on KMM's own programs from a folder, or on the
 * stand-in in one generation. Its exit code is 0 when nothing failed.
 */
import { parseArgs } from "node:util";
import { report } from "../../sandbox/userError.ts";
import { choose as parts } from "../runner/parts.ts";
import { runPart } from "../runner/part.ts";
import { failedIn, table } from "../runner/table.ts";
import { kmmOf, variable } from "../sandbox/kmm/underTest.ts";

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { kmm: { type: "string" } } });
  if (values.kmm !== undefined) choose(values.kmm);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  const results = [];
  for (const part of parts(["kmm"], process.cwd())) results.push(await runPart(part, stop.signal));
  process.stdout.write(`\n${table(results)}`);
  return failedIn(results) > 0 || stop.signal.aborted ? 1 : 0;
}

/** The tests' processes find it in their environment. */
function choose(value: string): void {
  const { kmmFolder, line } = kmmOf(value);
  process.stderr.write(`KMM ${line}${kmmFolder === undefined ? ", the stand-in" : ` in ${kmmFolder}`}\n`);
  process.env[variable] = kmmFolder ?? value;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report("test:kmm", error);
}
