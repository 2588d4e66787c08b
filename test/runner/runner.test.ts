/** The runner of all tests, on small files that go well, go wrong, end their process, hang, or test nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ended, identify, type ProcessRecord } from "@onload-kmm/sandbox/controlPlane/processes";
import { runPart as runPartAloud } from "./part.ts";
import type { Part, TestFiles } from "./parts.ts";
import type { Result } from "./result.ts";

/** Without its output: what is meant to go wrong would read as if something had. */
const runPart = (part: Part, stop: AbortSignal): Promise<Result> => runPartAloud(part, stop, "ignore");
const never = new AbortController().signal;

function partOf(files: readonly string[], more: Partial<TestFiles> = {}): Part {
  const patterns = files.map((name) => `test/runner/fixtures/${name}.ts`);
  return { name: "some", runs: { tests: { patterns, concurrency: 1, timeoutMs: 60_000, ...more } }, limitMinutes: 2 };
}

/** What counts of a result; failures as `file: name: why`. */
function counts({ passed, skipped, failures }: Result) {
  const failed = failures.map(({ name, file, why }) => `${file ?? "the part"}: ${name}: ${why}`);
  return { passed, skipped, failed: failed.map((line) => line.replace("test/runner/fixtures/", "")).sort() };
}

const whole = (why: string): string => `the part: (the part as a whole): ${why}`;

test("a green part counts what passed and what was skipped", async () => {
  const result = await runPart(partOf(["green"]), never);
  assert.deepEqual(counts(result), { passed: 1, skipped: 1, failed: [] });
  assert.equal(result.part, "some");
  assert.ok(result.elapsedMs > 0);
});

test("each failure is told once, with suite, file and one line of why, and the other files are run", async () => {
  const result = await runPart(partOf(["red", "crash", "green"]), never);
  assert.deepEqual(counts(result), {
    passed: 3,
    skipped: 1,
    failed: [
      "crash.ts: (the file): its process ended with 3",
      "red.ts: a suite whose end fails: can't clean up",
      "red.ts: a suite › is wrong: one and one",
    ],
  });
});

test("a test that a helper makes is told with the file that runs it alone", async () => {
  const result = await runPart(partOf(["helped"]), never);
  assert.deepEqual(counts(result).failed, ["helped.ts: is wrong: no"]);
});

test("a file without a test is red, though Node's own runner counts it as passed", async () => {
  const result = await runPart(partOf(["none", "green"]), never);
  assert.deepEqual(counts(result), { passed: 1, skipped: 1, failed: ["none.ts: (the file): no test in it"] });
});

test("a part without a file is red", async () => {
  const result = await runPart(partOf(["not-there-*"]), never);
  assert.deepEqual(counts(result), { passed: 0, skipped: 0, failed: [whole("no test was run")] });
});

test("a test that takes too long is red", async () => {
  const result = await runPart(partOf(["slow"], { timeoutMs: 1000 }), never);
  assert.deepEqual(counts(result).failed, ["slow.ts: takes too long: test timed out after 1000ms"]);
});

test("a part that hangs is ended, with the file that hangs", async () => {
  const result = await runPart({ ...partOf(["stuck"]), limitMinutes: 0.1 }, never);
  assert.deepEqual(counts(result).failed, [
    "stuck.ts: (the file): ended before it was over",
    whole("ended before it was over: took longer than 0.1 min"),
  ]);
});

test("a part that is stopped is red", async () => {
  const result = await runPart(partOf(["green"]), AbortSignal.abort());
  assert.ok(counts(result).failed.includes(whole("ended before it was over: stopped")), JSON.stringify(result));
});

test("a part whose set-up breaks is red; one that can't be set up here is not run", async () => {
  const broken = await runPart(partOf(["green"], { prepare: "test/runner/fixtures/broken.ts" }), never);
  assert.deepEqual(counts(broken).failed, [whole("ended before it was over: exit code 1")]);
  const unable = await runPart(partOf(["green"], { prepare: "test/runner/fixtures/unable.ts" }), never);
  assert.equal(unable.notRun, "missing on this host: a machine");
  assert.deepEqual(counts(unable), { passed: 0, skipped: 0, failed: [] });
});

test("a command is one thing that passes or fails", async () => {
  const run = async (...command: [string, ...string[]]) =>
    counts(await runPart({ name: "check", runs: { command }, limitMinutes: 1 }, never));
  assert.deepEqual(await run("true"), { passed: 1, skipped: 0, failed: [] });
  assert.deepEqual(await run("false"), { passed: 0, skipped: 0, failed: [whole("exit code 1")] });
  assert.deepEqual(await run("sh", "-c", "kill -KILL $$"), { passed: 0, skipped: 0, failed: [whole("SIGKILL")] });
  assert.match((await run("/nonexistent/program")).failed.join(), /ENOENT/);
});

test("a command that is stopped ends with all that it has started", async (t) => {
  const file = join(await mkdtemp(join(tmpdir(), "onload-kmm-runner-")), "pid");
  t.after(() => rm(dirname(file), { recursive: true }));
  // As npm does, the middle one passes no signal on.
  const command = ["sh", "-c", `sh -c 'echo $$ >"$0"; exec sleep 600' ${file}; true`] as const;
  const stop = new AbortController();
  const running = runPart({ name: "check", runs: { command }, limitMinutes: 1 }, stop.signal);
  let sleeper: ProcessRecord | undefined;
  while (sleeper === undefined) {
    await setImmediate();
    sleeper = identify(Number(await readFile(file, "utf8").catch(() => "")));
  }
  stop.abort();
  assert.deepEqual(counts(await running).failed, [whole("stopped")]);
  assert.ok(await ended(sleeper, 5000));
});

/** `test/run.ts` with these arguments. */
async function npmTest(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const program = new URL("../run.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[unknown]>,
  ]);
  return { code, stdout, stderr };
}

test("npm test with a file runs just that file, shows its output, and ends with the count", async () => {
  const file = new URL("table.test.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await npmTest(file);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /✔ the table names each part/);
  assert.match(stdout, /\nunit +[1-9]\d* +0 +0 +00:\d\d\n\n[1-9]\d* passed, 0 failed\n$/);
});

test("npm test refuses what is neither a part nor a test file, and runs nothing", async () => {
  const { code, stdout, stderr } = await npmTest("unit", "test/nonsense.ts");
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /^npm test: test\/nonsense\.ts: no test file and no part; parts are check, unit, hostile, sandbox, /,
  );
});
