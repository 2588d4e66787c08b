/**
 * `npm test [-- PART|FILE…]`: all parts one after the other, whatever comes out of each, or just those parts and test
 * files that are named; then one table. Its exit code is 0 when something was tested and nothing failed.
 */
import { report } from "@onload-kmm/sandbox/userError";
import { choose } from "./runner/parts.ts";
import { runPart } from "./runner/part.ts";
import type { Result } from "./runner/result.ts";
import { failedIn, table } from "./runner/table.ts";

async function main(args: readonly string[]): Promise<number> {
  const chosen = choose(args, process.env["INIT_CWD"] ?? process.cwd());
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  const results: Result[] = [];
  for (const part of chosen) {
    if (stop.signal.aborted) break;
    process.stderr.write(`\n${part.name}\n`);
    results.push(await runPart(part, stop.signal));
  }
  process.stdout.write(`\n${table(results)}`);
  const left = args.length > 0 && results.some(({ notRun }) => notRun !== undefined);
  return failedIn(results) > 0 || left || stop.signal.aborted ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report("npm test", error);
}
