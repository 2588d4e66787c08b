import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";

/** Runs `passThrough` in a process of its own, over a shell script. */
function wrap(script: string) {
  const program =
    `import { passThrough } from ${JSON.stringify(import.meta.resolve("../passThrough.ts"))};\n` +
    `const options = { cwd: "/", env: process.env };\n` +
    `process.exitCode = await passThrough("/bin/sh", ["-c", ${JSON.stringify(script)}], options);`;
  return spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "pipe", "pipe"] });
}

async function exitCode(child: ChildProcess): Promise<unknown> {
  const [code] = (await once(child, "exit")) as [unknown];
  return code;
}

test("the exit code passes through", async () => {
  assert.equal(await exitCode(wrap("exit 42")), 42);
});

test("a program that a signal ended gives 128 and the signal's number", async () => {
  assert.equal(await exitCode(wrap("kill -KILL $$")), 137);
});

test("two interrupts at once, npm's and the caller's, are one to the program", async (t) => {
  // The program counts its interrupts, and ends only when the wrapper passes SIGTERM on, or is gone: a test that fails here
  // leaves nobody behind.
  const child = wrap(
    "n=0; trap 'n=$((n+1)); echo got $n' INT; trap 'exit $n' TERM; echo ready; while kill -0 $PPID 2>/dev/null; do sleep 0.1; done",
  );
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  const seen = async (text: string) => {
    while (!output.includes(text)) await once(child.stdout, "data");
  };
  await seen("ready");
  child.kill("SIGINT");
  child.kill("SIGINT");
  await seen("got 1");
  const ended = exitCode(child);
  child.kill("SIGTERM");
  assert.equal(await ended, 1);
});
