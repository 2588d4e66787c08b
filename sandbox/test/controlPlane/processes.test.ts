import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  endProcess,
  ended,
  identify,
  isAlive,
  parseStartTime,
  pause,
  signal,
  startDetached,
} from "../../controlPlane/processes.ts";

const fields = (state: string) => `4242 (a ) name) ${state} 1 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1`;

test("the start time is found behind a name with parentheses and spaces", () => {
  assert.equal(parseStartTime(fields("S")), "987654");
  assert.equal(parseStartTime(fields("T")), "987654");
});

test("a zombie has ended", () => {
  assert.equal(parseStartTime(fields("Z")), undefined);
});

test("a process is itself, and no process with the same id started at another time", () => {
  const self = identify(process.pid);
  assert.ok(self);
  assert.ok(isAlive(self));
  assert.ok(!isAlive({ ...self, started: `${self.started}0` }));
  assert.ok(!isAlive(undefined));
});

test("a stranger that got the id of an ended process is not signalled", async (t) => {
  const child = spawn("sleep", ["60"]);
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  await endProcess({ pid, started: "another-boot/1" }, 100);
  assert.equal(signal({ pid, started: "another-boot/1" }, "SIGKILL"), false);
  assert.ok(isAlive(identify(pid)));
});

async function start(t: TestContext, script: string) {
  const dir = await mkdtemp(join(tmpdir(), "process-"));
  const logFile = join(dir, "log");
  const record = await startDetached({
    command: "/bin/sh",
    args: ["-c", script],
    env: { PATH: process.env["PATH"] },
    cwd: dir,
    logFile,
  });
  t.after(async () => {
    await endProcess(record, 0);
    await rm(dir, { recursive: true });
  });
  return { record, logFile };
}

test("a started process writes its log and ends on SIGTERM, its children with it", async (t) => {
  const { record, logFile } = await start(t, "sleep 60 & echo $!; wait");
  let text = "";
  while (!text.endsWith("\n")) text = await readFile(logFile, "utf8");
  const child = identify(Number(text));
  assert.ok(isAlive(child));
  await endProcess(record, 5000);
  assert.ok(!isAlive(record));
  assert.ok(child);
  assert.ok(await ended(child, 5000));
});

test("one that ignores SIGTERM is killed, a stopped one too", async (t) => {
  const { record, logFile } = await start(t, "trap '' TERM; echo ready; while :; do sleep 1; done");
  while ((await readFile(logFile, "utf8")) === "");
  signal(record, "SIGSTOP");
  assert.ok(isAlive(record));
  await endProcess(record, 200);
  assert.ok(!isAlive(record));
});

test("a paused process stands with all its threads, however busy they are", async (t) => {
  const worker = "new Worker('for (;;) ;', { eval: true })";
  const program = `const { Worker } = require("node:worker_threads"); for (let n = 0; n < 8; n++) ${worker}; console.log("ready")`;
  const { record, logFile } = await start(t, `exec '${process.execPath}' -e '${program.replaceAll("'", "'\\''")}'`);
  while ((await readFile(logFile, "utf8")) === "");
  await pause(record);
  const threads = readdirSync(`/proc/${record.pid}/task`);
  assert.ok(threads.length > 8);
  const states = threads.map((id) => readFileSync(`/proc/${record.pid}/task/${id}/status`, "utf8"));
  for (const state of states) assert.match(state, /^State:\tT /m);
});
