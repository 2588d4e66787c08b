import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { waitUntil } from "../../../steps/lib/wait.ts";
import { clock } from "../fakeCluster.ts";
import { inHome } from "../../../steps/lib/inHome.ts";
import { keepRecord, record } from "../../../steps/lib/record.ts";

function home(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "onload-kmm-record-"));
  process.env["ONLOAD_KMM_HOME"] = directory;
  t.after(() => {
    delete process.env["ONLOAD_KMM_HOME"];
    rmSync(directory, { recursive: true });
  });
  return directory;
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /gm;

test("what is said about a node is kept with its time, below its stack's folder, run after run", (t) => {
  const directory = home(t);
  keepRecord("rollNode", { stack: "prod", node: { name: "w1" } });
  record("00:01 w1: cordoned");
  record("one [OKMM-DRAIN-STUCK]\nsee \u001b[31mthe runbook");
  keepRecord("leaveNode", { stack: "prod", node: "w1" });
  const kept = readFileSync(join(directory, "logs/prod/w1.log"), "utf8");
  assert.equal(kept.match(time)?.length, 5);
  assert.deepEqual(kept.replace(time, "").split("\n"), [
    "rollNode begins",
    "rollNode 00:01 w1: cordoned",
    "rollNode one [OKMM-DRAIN-STUCK]",
    "rollNode see the runbook",
    "leaveNode begins",
    "",
  ]);
});

test("what a person must do is the last line of a wait, and comes again every five minutes, with the time left", async (t) => {
  const directory = home(t);
  keepRecord("rollNode", { stack: "prod", node: "w1" });
  const began = clock.now();
  const waiting = { timeoutSeconds: 3600, error: "OKMM-BOOT-TIMEOUT" as const, remedy: "look" };
  const todo = (minutes: number) => `MokManager waits; ${Math.ceil(minutes)} min left`;
  await waitUntil("w1", waiting, () =>
    Promise.resolve(clock.now() - began > 700_000 ? { done: undefined } : { missing: "a new boot", todo }),
  );
  const kept = readFileSync(join(directory, "logs/prod/w1.log"), "utf8").replace(time, "").split("\n");
  assert.match(kept[1] ?? "", /^rollNode \d\d:\d\d waiting for w1: a new boot$/);
  assert.deepEqual(kept.slice(2), [
    "rollNode MokManager waits; 60 min left",
    "rollNode MokManager waits; 55 min left",
    "rollNode MokManager waits; 50 min left",
    "",
  ]);
});

test("a log that can't be written ends nothing", (t) => {
  const directory = home(t);
  writeFileSync(join(directory, "logs"), "in the way");
  keepRecord("rollNode", { stack: "prod", node: "w1" });
  record("goes on");
  assert.equal(readFileSync(join(directory, "logs"), "utf8"), "in the way");
});

test("logs are below the project unless another home is named, and an absolute path is what it is", (t) => {
  assert.equal(inHome("logs/prod"), "logs/prod");
  const directory = home(t);
  assert.equal(inHome("logs/prod"), join(directory, "logs/prod"));
  assert.equal(inHome("/var/log/x"), "/var/log/x");
});
