/**
 * `npm run test:kmm -- --kmm GENERATION`: the contract of KMM, whole, on that generation of the sandbox's stand-in. The
 * exit code is that of the tests.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { generationNames, kmmChoice } from "../sandbox/kmm/generations.ts";
import { projectRoot } from "../sandbox/paths.ts";
import { report, UserError } from "../sandbox/userError.ts";

const usage = `usage: npm run test:kmm -- --kmm GENERATION (${generationNames.join(", ")})`;

function asked(): string {
  try {
    const { values } = parseArgs({ options: { kmm: { type: "string" } } });
    if (values.kmm !== undefined) return kmmChoice(values.kmm);
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n${usage}`);
  }
  throw new UserError(usage);
}

function main(): number {
  const env = { ...process.env, ONLOAD_KMM_TEST_KMM: asked() };
  const files = join(projectRoot, "test/sandbox/kmm/*.test.ts");
  const args = ["--test", "--test-concurrency=1", "--test-timeout=600000", files];
  return spawnSync(process.execPath, args, { cwd: projectRoot, env, stdio: "inherit" }).status ?? 1;
}

try {
  process.exitCode = main();
} catch (error) {
  process.exitCode = report("test:kmm", error);
}
