/** `npm run status` where it can't look: one plain sentence, or the usage. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

/** As npm runs it, on a machine with neither a sandbox nor any program on PATH. */
async function status(t: TestContext, ...args: string[]) {
  const nowhere = await mkdtemp(join(tmpdir(), "onload-kmm-status-"));
  t.after(() => rm(nowhere, { recursive: true }));
  const { NODE_COMPILE_CACHE } = process.env;
  const compiled = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
  const env = { PATH: nowhere, HOME: nowhere, ONLOAD_KMM_SANDBOX: join(nowhere, "sandbox"), ...compiled };
  const command = ["sandbox/operate.ts", "scripts/status.ts", ...args];
  const { status: code, stdout, stderr } = spawnSync(process.execPath, command, { env, encoding: "utf8" });
  return { code, stdout, stderr };
}

const noPulumi =
  "the Pulumi CLI isn't on PATH: install it (https://www.pulumi.com/docs/install), or, for a stack on the sandbox, start that " +
  "first (`npm run demo`, or `npm run sandbox -- up`) [OKMM-PULUMI-FAILED]\n";

for (const args of [[], ["--json"], ["--exit-code"], ["--stack", "prod"], ["--config-file", "nowhere.yaml"]]) {
  test(`without sandbox and CLI one sentence says so: ${args.join(" ") || "no options"}`, async (t) => {
    assert.deepEqual(await status(t, ...args), { code: 1, stdout: "", stderr: noPulumi });
  });
}

test("--help needs neither, and each mistake in the options ends with the same usage", async (t) => {
  const { code, stdout: usage, stderr } = await status(t, "--help");
  assert.deepEqual([code, stderr], [0, ""]);
  for (const option of ["--stack NAME", "--config-file FILE", "--json", "--exit-code", "--help"]) {
    assert.ok(usage.includes(`\n  ${option}`), option);
  }
  const mistakes: readonly [argument: string, told: string][] = [
    ["--bogus", "Unknown option '--bogus'"],
    ["--json=yes", "Option '--json' does not take an argument"],
    ["prod", "Unexpected argument 'prod'. This command does not take positional arguments"],
  ];
  for (const [argument, told] of mistakes) {
    assert.deepEqual(await status(t, argument), { code: 2, stdout: "", stderr: `${told}\n\n${usage}` });
  }
});
