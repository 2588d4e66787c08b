/**
 * `npm run test:kmm -- --kmm WHICH`: KMM's contract tests and a stack's life on KMM's own programs from a folder, or on the
 * stand-in in one line; upgrades under a stack with `--kmm A,B,C`; without `--kmm` all of it on the stand-in. Its exit
 * code is 0 when nothing failed.
 */
import { parseArgs } from "node:util";
import { report } from "@onload-kmm/sandbox/userError";
import { choose as parts } from "../runner/parts.ts";
import { runPart } from "../runner/part.ts";
import { failedIn, table } from "../runner/table.ts";
import { kmmsOf, variable } from "@onload-kmm/sandbox/test/kmm/underTest";

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { kmm: { type: "string" } } });
  const names = values.kmm === undefined ? ["kmm", "upgrades"] : choose(values.kmm);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  const results = [];
  for (const part of parts(names, process.cwd())) results.push(await runPart(part, stop.signal));
  process.stdout.write(`\n${table(results)}`);
  return failedIn(results) > 0 || stop.signal.aborted ? 1 : 0;
}

/** The parts for this choice. The tests' processes find it in their environment. */
function choose(value: string): string[] {
  const kmms = kmmsOf(value);
  for (const { kmmFolder, line } of kmms) {
    process.stderr.write(`KMM ${line}${kmmFolder === undefined ? ", the stand-in" : ` in ${kmmFolder}`}\n`);
  }
  process.env[variable] = kmms.map(({ kmmFolder, line }) => kmmFolder ?? line).join();
  return [kmms.length > 1 ? "upgrades" : "kmm"];
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report("test:kmm", error);
}
