import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { measured } from "./usage.ts";

/** Keeps a processor busy for this many milliseconds, in a child of a child, which holds some memory meanwhile. */
const busy = (ms: number) => `const held = new Array(8e6).fill(1.5);
  while (process.cpuUsage().user / 1000 < ${ms}) for (let i = 0; i < held.length; i += 1) held[i] += i;`;

test("time and memory of children's children count, and so does waiting", async () => {
  const { usage, ended } = await measured(() => {
    const script = '"$0" -e "$1" & wait; sleep 0.5; exit 3';
    const child = spawn("sh", ["-c", script, process.execPath, busy(1000)], { detached: true });
    return { pid: child.pid, end: once(child, "close") };
  });
  assert.equal(ended[0], 3);
  assert.ok(usage.cpu >= 1 && usage.cpu < 10, `${usage.cpu} s of CPU`);
  assert.ok(usage.wall > 1, `${usage.wall} s`);
  assert.ok(usage.memory > 60e6, `${usage.memory} bytes`);
});

test("a process that outlives the command counts as far as it has come", async (t) => {
  const { usage } = await measured(() => {
    // It ends as soon as the other one has done its work, and lives on.
    const script = '"$0" -e "$1" & read -r _';
    const left = `${busy(500)}; console.log(process.pid); setTimeout(() => {}, 60_000)`;
    const child = spawn("sh", ["-c", script, process.execPath, left], {
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdout.once("data", (pid: Buffer) => {
      t.after(() => process.kill(Number(pid)));
      child.stdin.write("\n");
    });
    return { pid: child.pid, end: once(child, "exit") };
  });
  assert.ok(usage.cpu >= 0.5, `${usage.cpu} s of CPU`);
});
