/**
 * Last part of `npm test`: the tests on the machine with Secure Boot, where it can be set up. Elsewhere it says that they
 * were not run, and why; `npm run test:machine` itself fails there.
 */
import { spawnSync } from "node:child_process";
import { ensureHostTools, NotRun } from "./hostTools.ts";

try {
  await ensureHostTools((line) => process.stderr.write(`test/machine: ${line}\n`));
  const args = ["--test", "--test-concurrency=1", "test/machine/*.test.ts"];
  process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
} catch (error) {
  if (!(error instanceof NotRun)) throw error;
  process.stderr.write(`\ntest/machine: ${error.message}\n`);
}
