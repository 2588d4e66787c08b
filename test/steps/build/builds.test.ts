import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { BuildObject } from "../../../core/build/moduleBuild.ts";
import { liveBy } from "../../../steps/lib/clock.ts";
import { BuildLogs, whatItSays } from "../../../steps/build/builds.ts";
import type { Kubectl } from "../../../steps/cluster/kubectl.ts";
import { VirtualClock } from "../virtualClock.ts";

const clock = new VirtualClock();
liveBy(clock);

const build = (phase: string | undefined, name = "onload-build-a"): BuildObject => ({
  metadata: { name, uid: "0123456789" },
  ...(phase !== undefined && { status: { phase } }),
});

/** Logs whose streams print `text`, and then end or go on forever. */
function logsOf(t: TestContext, text: string, goesOn = false) {
  const directory = mkdtempSync(join(tmpdir(), "onload-kmm-logs-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const asked: string[] = [];
  const children: ChildProcess[] = [];
  const stream = (args: readonly string[]): ChildProcess => {
    asked.push(args.join(" "));
    const program = `process.stdout.write(${JSON.stringify(text)}); ${goesOn ? "setInterval(() => 0, 1000)" : ""}`;
    const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    return child;
  };
  const logs = new BuildLogs({ stream } as unknown as Kubectl, "ns", join(directory, "logs"));
  return { directory, logs, asked, children };
}

test("a build's log is followed once it has begun, and once only", async (t) => {
  const { logs, asked } = logsOf(t, "one\ntwo\n");
  for (const phase of [undefined, "New", "Pending", "Running", "Running", "Complete"]) logs.follow(build(phase));
  assert.equal(await logs.tail(build(undefined, "onload-build-a")), "one\ntwo");
  assert.deepEqual(asked, [
    "get --raw /apis/build.openshift.io/v1/namespaces/ns/builds/onload-build-a/log?follow=true",
  ]);
});

test("a Build that bears the name of one that failed has a log of its own", async (t) => {
  const { logs, asked } = logsOf(t, "one\n");
  const second = { ...build("Failed"), metadata: { name: "onload-build-a", uid: "9876543210" } };
  for (const each of [build("Failed"), second]) logs.follow(each);
  assert.equal(await logs.tail(second), "one");
  assert.equal(asked.length, 2);
  assert.match(logs.path(second), /\/onload-build-a-98765432\.log$/);
});

test("an error shows the end of the log, not all of it", async (t) => {
  const { logs } = logsOf(t, Array.from({ length: 50 }, (_, line) => `line ${line}\n`).join(""));
  logs.follow(build("Failed"));
  const tail = (await logs.tail(build(undefined, "onload-build-a"), 3)).split("\n");
  assert.deepEqual(tail, ["line 47", "line 48", "line 49"]);
});

test("of a line that is too long an error says how much is missing, and shows what is behind it", async (t) => {
  const { logs } = logsOf(t, `gcc ${"x".repeat(60_000)}\nerror\n`);
  logs.follow(build("Failed"));
  const tail = (await logs.tail(build(undefined, "onload-build-a"))).split("\n");
  assert.deepEqual(tail, [`gcc ${"x".repeat(4052)}… (55948 bytes cut)`, "error"]);
});

test("a build without a log has an empty end", async (t) => {
  assert.equal(await logsOf(t, "").logs.tail(build(undefined, "onload-build-b")), "");
});

test("a step that ends doesn't wait for the logs that go on", async (t) => {
  const { logs, children } = logsOf(t, "begins\n", true);
  logs.follow(build("Running"));
  while (children.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const ended = once(children[0] ?? assert.fail(), "close");
  logs.stop();
  const [code, signal] = (await ended) as [unknown, unknown];
  assert.deepEqual([code, signal], [null, "SIGTERM"]);
});

test("logs that end are waited for to their last line", async (t) => {
  const { logs, children } = logsOf(t, "the end\n");
  logs.follow(build("Complete"));
  await logs.settle();
  assert.equal(await logs.tail(build(undefined, "onload-build-a")), "the end");
  // Of kubectl's end nothing depends: it may come after that of its output, and is hastened then.
  assert.deepEqual(
    children.map(({ stdout }) => stdout?.readableEnded),
    [true],
  );
});

test("a log that goes on is waited for no longer than ten seconds", async (t) => {
  const { logs, children } = logsOf(t, "begins\n", true);
  logs.follow(build("Running"));
  while (children.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const settled = logs.settle();
  clock.advance(9_999);
  assert.equal(children[0]?.killed, false);
  clock.advance(1);
  await settled;
  assert.equal(children[0].killed, true);
});

test("a log that can't be kept is no reason to fail", async (t) => {
  const { directory, logs } = logsOf(t, "x");
  writeFileSync(join(directory, "logs"), "a file where the directory should be");
  logs.follow(build("Running"));
  await logs.settle();
  assert.equal(await logs.tail(build(undefined, "onload-build-a")), "");
});

test("why a build failed is told by all that OpenShift says of it", () => {
  const status = { phase: "Failed", reason: "OutOfMemoryKilled", message: "The build pod was killed" };
  assert.equal(
    whatItSays({ metadata: { name: "a", uid: "1" }, status }),
    "Failed: OutOfMemoryKilled: The build pod was killed",
  );
  assert.equal(whatItSays(build("Error")), "Error");
  assert.equal(whatItSays({ metadata: { name: "a", uid: "1" }, status: { phase: "Failed", reason: "" } }), "Failed");
});
