/**
 * Runs the tests on the machine, set up beforehand: side by side, each file with a machine of its own.
 *
 *   run.ts [--where-possible]
 *
 * Where the machine can't be set up it fails and says why; with `--where-possible`, as the last part of `npm test`, it only
 * says that these tests were not run.
 */
import { spawnSync } from "node:child_process";
import { log } from "./bench.ts";
import { buildMachine } from "./build.ts";
import { NotRun } from "./hostTools.ts";

try {
  await buildMachine(log);
  const args = ["--test", "--test-concurrency=3", "--test-timeout=600000", "test/machine/*.test.ts"];
  process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
} catch (error) {
  if (!(error instanceof NotRun)) throw error;
  process.stderr.write(`\ntest/machine: ${error.message}\n`);
  if (!process.argv.includes("--where-possible")) process.exitCode = 1;
}
