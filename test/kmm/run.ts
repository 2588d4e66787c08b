/**
 * `npm run test:kmm -- --kmm FOLDER`: KMM's contract tests and a stack's life on KMM's own programs from this folder;
 * without `--kmm`, on the stand-in. Its exit code is 0 when nothing failed.
 */
import { parseArgs } from "node:util";
import { operatorFiles, operatorFolder, operatorLine } from "../../sandbox/kmm/operator/folder.ts";
import { report, UserError } from "../../sandbox/userError.ts";
import { choose } from "../runner/parts.ts";
import { runPart } from "../runner/part.ts";
import { failedIn, table } from "../runner/table.ts";
import { variable } from "../sandbox/kmm/underTest.ts";

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { kmm: { type: "string" } } });
  if (values.kmm !== undefined) choosePrograms(values.kmm);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  const results = [];
  for (const part of choose(["kmm"], process.cwd())) results.push(await runPart(part, stop.signal));
  process.stdout.write(`\n${table(results)}`);
  return failedIn(results) > 0 || stop.signal.aborted ? 1 : 0;
}

/** The tests' processes find the folder in their environment. */
function choosePrograms(value: string): void {
  const folder = operatorFolder(value);
  if (folder === undefined) throw new UserError(`--kmm ${value}: must be a folder with KMM's own programs`);
  process.stderr.write(`KMM ${operatorLine(operatorFiles(folder))} in ${folder}\n`);
  process.env[variable] = folder;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report("test:kmm", error);
}
