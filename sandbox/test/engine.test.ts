import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test, type TestContext } from "node:test";
import { engineEnvironment } from "../engine.ts";
import { nodeModulesBin } from "../paths.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";

/** PATH of the Pulumi CLI on a sandbox, for a user with this PATH and these tools. */
async function pathFor(t: TestContext, users: readonly string[], tools: { pulumi: string; kubectl: string }) {
  const dir = await mkdtemp(join(tmpdir(), "onload-kmm-engine-"));
  t.after(() => rm(dir, { recursive: true }));
  const env = { PATH: users.join(delimiter), ONLOAD_KMM_PLUGINS: "stand-ins" };
  const { PATH = "" } = await engineEnvironment(dir, { bin: tools as Toolchain["bin"] }, env);
  const folders = PATH.split(delimiter);
  const others = folders.findIndex((folder) => !folder.startsWith(join(dir, "stand-in-plugins")));
  assert.ok(others > 0, "the stand-ins come first");
  return folders.slice(others);
}

const npms = [nodeModulesBin, "/node_modules/.bin", "/usr/lib/npm/run-script/lib/node-gyp-bin"];
const built = { pulumi: "/cache/pulumi/bin/pulumi", kubectl: "/cache/kubernetes/bin/kubectl" };

test("tools that were built for the sandbox come before the user's, and npm's own Node not at all", async (t) => {
  const expected = ["/cache/pulumi/bin", "/cache/kubernetes/bin", "/opt/node/bin", "/usr/bin"];
  assert.deepEqual(await pathFor(t, [...npms, "/opt/node/bin", "/usr/bin"], built), expected);
  // One npm script that runs another.
  assert.deepEqual(await pathFor(t, [...npms, ...npms, "/opt/node/bin", "/usr/bin"], built), expected);
  assert.deepEqual(await pathFor(t, ["/opt/node/bin", "/usr/bin"], built), expected);
});

test("who puts the project's Node on PATH by hand has it there", async (t) => {
  const path = await pathFor(t, [...npms, nodeModulesBin, "/usr/bin"], built);
  assert.deepEqual(path.slice(2), [nodeModulesBin, "/usr/bin"]);
});

test("tools on PATH don't bring another Node forward that lies beside them", async (t) => {
  const users = ["/opt/node/bin", "/usr/local/bin", "/usr/bin"];
  const installed = { pulumi: "/usr/local/bin/pulumi", kubectl: "/usr/bin/kubectl" };
  assert.deepEqual(await pathFor(t, users, installed), users);
});
