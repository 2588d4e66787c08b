/** What a sandbox of a temporary directory leaves behind when the program that made it is told to end: nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { identify, isAlive } from "../controlPlane/processes.ts";
import { readState } from "../controlPlane/state.ts";

/** Runs this module text, which may import the sandbox's modules, and gives its first line on stdout. */
async function program(text: string) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { child, line };
}

test("a program that is ended takes its sandbox along, and the Pulumi that works on it", async () => {
  // A stopped Pulumi neither comes to its end by itself nor takes a mild signal.
  const { child, line } = await program(`
    import { startSandbox } from "../sandbox.ts";
    const sandbox = await startSandbox({ nodes: 1 });
    const { pid } = sandbox.spawnPulumi(["version"]);
    process.kill(pid, "SIGSTOP");
    console.log(sandbox.dir + " " + pid);
  `);
  const [dir = "", pulumi] = line.split(" ");
  const processes = Object.values((await readState(dir))?.processes ?? {});
  processes.push(identify(Number(pulumi)) ?? assert.fail("no Pulumi"));
  assert.ok(processes.length > 0 && processes.every(isAlive));
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [143, null]);
  assert.deepEqual(processes.filter(isAlive), []);
  assert.equal(existsSync(dir), false);
});

test("a program with a handler of its own ends by that", async () => {
  const { child } = await program(`
    import { atSignal } from "../atSignal.ts";
    atSignal(async () => process.exit(1));
    process.on("SIGTERM", () => setTimeout(() => process.exit(7), 100));
    setInterval(() => {}, 1000);
    console.log("ready");
  `);
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [7, null]);
});

test("what was ended in time isn't ended again, and the signal has its own effect", async () => {
  const { child } = await program(`
    import { atSignal } from "../atSignal.ts";
    atSignal(async () => process.exit(1))();
    setInterval(() => {}, 1000);
    console.log("ready");
  `);
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [null, "SIGTERM"]);
});
