/** The report as processes write it: many at once, killed, and where nothing can be written. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { parseRecords } from "../../../core/report/records.ts";

function home(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "onload-kmm-report-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

type Act = "answer" | "mistake" | "late" | "die";

/** Runs the step as this process' child: this process is the one that all of a run's steps have in common. */
function step(directory: string, node: string, act: Act): Promise<{ failed: boolean; stderr: string }> {
  const env = { ...process.env, ONLOAD_KMM_HOME: directory };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ["test/steps/lib/recordedStep.ts"], { env }, (error, _, stderr) => {
      resolve({ failed: error !== null, stderr });
    });
    child.stdin?.end(JSON.stringify({ stack: "prod", node, act }));
  });
}

/** The files of all runs, by their endings. */
function filesIn(directory: string): Record<string, string[]> {
  const names = readdirSync(join(directory, "reports/prod"));
  return Object.groupBy(names, (name) => name.replace(/^[^.]*\./, "")) as Record<string, string[]>;
}

const read = (directory: string, name = ""): string => readFileSync(join(directory, "reports/prod", name), "utf8");

test("steps of one run that begin at once have one report, with all of them in it, and leave nothing else", async (t) => {
  const directory = home(t);
  const nodes = ["a", "b", "c", "d", "e", "f"];
  const ran = await Promise.all(nodes.map((node) => step(directory, node, "answer")));
  assert.deepEqual(
    ran.map(({ stderr }) => /can't be written/.test(stderr)),
    nodes.map(() => false),
  );
  const files = filesIn(directory);
  assert.deepEqual(Object.keys(files).sort(), ["html", "jsonl", "md"]);
  assert.deepEqual(
    Object.values(files).map(({ length }) => length),
    [1, 1, 1],
  );
  assert.match(read(directory, files["md"]?.[0]), /^# 6 of 6 nodes handed back\n/);
  assert.match(read(directory, files["html"]?.[0]), /<\/html>\s*$/);
  const records = parseRecords(read(directory, files["jsonl"]?.[0]));
  assert.equal(records.filter(({ event }) => event === "ends").length, nodes.length);
  assert.equal(records.filter(({ event }) => event === "run").length, 1);
});

test("a step that fails, one that is killed and one with an error that nothing caught are in it", async (t) => {
  const directory = home(t);
  for (const [node, act] of Object.entries({ a: "answer", b: "mistake", c: "die", d: "late" } as const))
    assert.equal((await step(directory, node, act)).failed, act !== "answer", node);
  const { md = [] } = filesIn(directory);
  assert.match(
    read(directory, md[0]),
    /^# 1 of 4 nodes handed back; b failed: OKMM-NODE-GONE; d failed: OKMM-UNEXPECTED; c without an end: at work, or killed\n/,
  );
});

test("of a run with many records a node's beginning isn't written at once, and an end always is", async (t) => {
  const directory = home(t);
  await step(directory, "a", "answer");
  const { jsonl = [], md = [] } = filesIn(directory);
  // As long as the phases of thousands of nodes: the next report is due in two minutes.
  appendFileSync(join(directory, "reports/prod", jsonl[0] ?? ""), `${" ".repeat(36_000_000)}\n`);
  await step(directory, "b", "answer");
  await step(directory, "c", "die");
  assert.match(read(directory, md[0]), /^# 2 of 2 nodes handed back\n/);
  await step(directory, "d", "mistake");
  assert.match(read(directory, md[0]), /^# 2 of 4 nodes handed back; d failed: OKMM-NODE-GONE; c without an end/);
});

test("where no report can be written a step says so, and does its work", async (t) => {
  const directory = home(t);
  writeFileSync(join(directory, "reports"), "in the way");
  const { failed, stderr } = await step(directory, "a", "answer");
  assert.equal(failed, false);
  assert.match(stderr, /the run's report can't be written: .*; going on without it/);
});

test("a run whose provider is gone is forgotten, and its report stays", async (t) => {
  const directory = home(t);
  const runs = join(directory, "reports/.runs");
  mkdirSync(runs, { recursive: true });
  // No process has the number 0 to a system that counts from 1.
  writeFileSync(join(runs, "0-123"), "reports/prod/2026-01-01T00-00-00Z");
  mkdirSync(join(directory, "reports/prod"));
  writeFileSync(join(directory, "reports/prod/2026-01-01T00-00-00Z.html"), "old");
  await step(directory, "a", "answer");
  assert.deepEqual(
    readdirSync(runs).map((name) => name.split("-")[0]),
    [String(process.pid)],
  );
  assert.equal(read(directory, "2026-01-01T00-00-00Z.html"), "old");
});
