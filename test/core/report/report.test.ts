import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRecords } from "../../../core/report/records.ts";
import { reportOf } from "../../../core/report/report.ts";
import { timelineOf, marksOf } from "../../../core/report/timeline.ts";
import { duration } from "../../../core/words.ts";
import { changesOf } from "../../../core/report/words.ts";
import { around, before, began, proof, Recording, reportFrom, stuckRun } from "./runs.ts";

const minutes = (time: number): number => (time - began) / 60_000;
const node = (name: string) => ({ name, hold: false, before: before() });

test("the first sentence has the count, what failed by its id, and what didn't come to its turn", () => {
  const { headline, standing } = reportFrom(stuckRun());
  assert.equal(
    headline,
    "2 of 5 nodes on 9.1.0; worker-2 failed: OKMM-DRAIN-STUCK; worker-3 not begun; worker-4 on hold",
  );
  assert.equal(standing, "failed");
});

test("a failure has its message, and the runbook's way on", () => {
  const [failure, ...others] = reportFrom(stuckRun()).failures;
  assert.deepEqual(others, []);
  assert.equal(failure?.what, "worker-2");
  assert.match(failure.message, /allows no eviction/);
  assert.equal(failure.wayOn.means, "Evictions took too long.");
  assert.equal(
    failure.wayOn.do,
    "`PodDisruptionBudget … allows no eviction`: make another replica ready elsewhere ([waits](waits.md#drain)). Then `pulumi up`.",
  );
  assert.deepEqual(failure.wayOn.link, {
    text: "docs/runbook.md#okmm-drain-stuck",
    href: "../../docs/runbook.md#okmm-drain-stuck",
  });
});

test("what was before, and what is now", () => {
  const [rolled, , stuck, waiting, held] = reportFrom(stuckRun()).nodes.map((each) => ({
    outcome: each.outcome,
    changes: changesOf(each).map(({ before, now }) => [before, now]),
  }));
  const kernel = "5.14.0-570.49.1.el9_6.x86_64";
  const was = "6a3d1f60-8a5e-4c8e-9a52-0f6f6a1f3b11";
  assert.deepEqual(rolled, {
    outcome: "proven",
    changes: [
      ["9.0.2.140", "9.1.0"],
      [kernel, kernel],
      ["enabled", "enabled"],
      ["not trusted", "trusted"],
      [was, "b7c9e2aa-15f0-4f5e-8f0b-3f1f9f1f2c22"],
    ],
  });
  assert.equal(stuck?.outcome, "failed");
  assert.deepEqual(stuck.changes[0], ["9.0.2.140", "-"], "nobody looked after it failed");
  assert.equal(waiting?.outcome, "waiting");
  assert.deepEqual(waiting.changes[0], ["9.0.2.140", "9.0.2.140"]);
  assert.equal(held?.outcome, "held");
  assert.deepEqual(held.changes[3], ["trusted", "trusted"]);
});

test("a killed run: what was at work has no end, and is told up to the last record", () => {
  const run = new Recording([node("a"), node("b"), node("c")]).plan(1, { a: "old", b: "old", c: "old" });
  run.rolled("a", 2, 10);
  run.step(12, "rollNode", { node: "b" }).phase(13, "check").phase(14, "enrol").says(20, "waiting for b to come back");
  const report = reportFrom(run);
  assert.equal(report.standing, "open");
  assert.equal(report.headline, "1 of 3 nodes on 9.1.0; b without an end: at work, or killed; c not begun");
  const b = report.nodes[1];
  assert.equal(b?.steps[0]?.said, "waiting for b to come back");
  const bars = timelineOf(report)?.rows.find(({ name }) => name === "b")?.bars;
  assert.deepEqual(
    bars?.map(({ name, began, ended, end }) => [name, minutes(began), minutes(ended), end]),
    [
      ["look", 12, 13, undefined],
      ["check", 13, 14, undefined],
      ["enrol", 14, 20, "open"],
    ],
  );
});

test("a run that was killed before it knew what it wants leaves nodes that weren't begun, not unchanged ones", () => {
  const run = new Recording([node("a")]);
  run.step(1, "followModuleBuild").says(2, "waits");
  const { headline, nodes } = reportFrom(run);
  assert.equal(headline, "0 of 1 node on 9.1.0; a not begun");
  assert.equal(nodes[0]?.outcome, "waiting");
});

test("a run that had nothing to do: all nodes as they should be", () => {
  const fit = before({ image: proof("a").image });
  const run = new Recording([{ name: "a", hold: false, before: fit }]).plan(0.1, { a: null }).program(0.2, true);
  const { headline, standing, nodes, ideal } = reportFrom(run);
  assert.equal(headline, "1 of 1 node on 9.1.0");
  assert.deepEqual([standing, nodes[0]?.outcome, ideal], ["good", "same", undefined]);
});

test("a build that fails is told by what it is, and no node is blamed", () => {
  const run = new Recording([node("a")]).plan(1, { a: "old" });
  run.step(1, "buildNextKernel", { kernel: "6.1" }).fails(2, "OKMM-BUILD-FAILED", "a build failed");
  const { headline, failures } = reportFrom(run.program(3, false));
  assert.equal(headline, "0 of 1 node on 9.1.0; build for a kernel to come 6.1 failed: OKMM-BUILD-FAILED; a not begun");
  assert.equal(failures[0]?.wayOn.do, undefined, "the runbook's text isn't there");
});

test("a program that stops before its first change says so", () => {
  const problem = "nodes.a: not in the cluster [OKMM-NODE-UNKNOWN]";
  const { headline, standing, failures } = reportFrom(new Recording([node("a")]).stopped(0.1, problem));
  assert.equal(headline, "Stopped before the first change; nothing was done");
  assert.equal(standing, "failed");
  assert.deepEqual(
    failures.map(({ what, error, message }) => [what, error, message]),
    [["before the first change", "OKMM-NODE-UNKNOWN", problem]],
  );
});

test("two runs in two files don't know of each other; a node that fails in one may be proven by the next", () => {
  const next = new Recording([node("worker-2")]).plan(1, { "worker-2": "out of service" });
  next.rolled("worker-2", 1, 9).program(11, true);
  assert.match(reportFrom(stuckRun()).headline, /worker-2 failed/);
  assert.equal(reportFrom(next).headline, "1 of 1 node on 9.1.0");
});

test("a process' number that is used again is another step", () => {
  const run = new Recording([node("a")]);
  run.step(1, "importKey", { node: "a" }).ends(2, {});
  const again = run.step(3, "rollNode", { node: "a" });
  again.phase(4, "check");
  const records = run.records.map((record) => ("id" in record ? { ...record, id: 7 } : record));
  const [first, second] = reportOf(records, around)?.nodes[0]?.steps ?? [];
  assert.deepEqual([first?.step, first?.outcome, first?.phases], ["importKey", "done", []]);
  assert.deepEqual([second?.step, second?.outcome, second?.phases.length], ["rollNode", "open", 1]);
});

test("nodes that leave are told after the listed ones, in a destroy alone", () => {
  const run = new Recording([node("a")]).plan(1, { a: null }).program(2, true);
  run.step(3, "leaveNode", { node: "z" }).ends(4, { node: "z", left: "unloaded" });
  assert.deepEqual(
    reportFrom(run).nodes.map(({ name, outcome }) => [name, outcome]),
    [
      ["a", "same"],
      ["z", "left"],
    ],
  );
  const destroy = new Recording([], { verb: "destroy" });
  destroy.step(1, "leaveNode", { node: "y" }).ends(2, { node: "y", left: "gone" });
  assert.equal(reportFrom(destroy).headline, "1 of 1 node handed back");
  assert.equal(reportFrom(destroy).standing, "good");
});

test("a key that waits for the operator's own reboot is pending, and counts for nothing", () => {
  const run = new Recording([node("a")], { mode: "operator" }).plan(1, { a: "old" });
  run.step(1, "rollNode", { node: "a" }).ends(2, { node: "a", state: "pending" });
  const image = { image: undefined, version: undefined };
  run.step(2, "proveNode", { node: "a" }).ends(3, proof("a", { ...image, state: "pending", key: "pending" }));
  const { headline, standing } = reportFrom(run.program(4, true));
  assert.equal(headline, "0 of 1 node on 9.1.0; a waiting for your reboot");
  assert.equal(standing, "good");
});

test("a proof that another version has written in another form is none", () => {
  const run = new Recording([node("a")]);
  run.step(1, "rollNode", { node: "a" }).ends(2, { node: "a", state: "loaded" });
  run.step(2, "proveNode", { node: "a" }).ends(3, { state: "splendid" });
  assert.equal(reportFrom(run.program(4, true)).nodes[0]?.outcome, "unproven");
});

test("the ideal is the canary and then lanes, at what a node of this run took", () => {
  const names = ["a", "b", "c", "d"];
  const run = new Recording(names.map(node), { maxParallel: 2 }).plan(
    0,
    Object.fromEntries(names.map((n) => [n, "old"])),
  );
  run.rolled("a", 10, 10).rolled("b", 21, 10).rolled("c", 21, 20).rolled("d", 33, 10);
  const { ideal } = reportFrom(run.program(50, true));
  assert.deepEqual(
    [...(ideal?.turns ?? [])].map(([name, turn]) => [name, minutes(turn)]),
    [
      ["a", 10],
      ["b", 20],
      ["c", 20],
      ["d", 30],
    ],
  );
  assert.deepEqual(
    [ideal?.each, ideal?.total, ideal?.taken].map((length) => (length ?? 0) / 60_000),
    [10, 30, 33],
  );
  assert.equal(ideal?.measured, true);
});

test("before a node was proven the ideal is the plan's own number, and nothing is said to have taken that long", () => {
  const run = new Recording([node("a"), node("b")]).plan(0, { a: "old", b: "old" });
  run.step(1, "rollNode", { node: "a" }).phase(2, "check").phase(3, "enrol");
  const { ideal } = reportFrom(run);
  assert.deepEqual([ideal?.measured, ideal?.each, ideal?.taken], [false, 15 * 60_000, undefined]);
  assert.equal(ideal?.total, 30 * 60_000);
});

test("logs are told apart: a node's own, and the builds'; what their names hold is no address", () => {
  const logFiles = ["worker-0.log", "onload-build-ab?#<.log"];
  const { links } = reportFrom(stuckRun(), { logFiles });
  assert.deepEqual([...links.nodes], [["worker-0", { text: "worker-0.log", href: "../../logs/prod/worker-0.log" }]]);
  assert.equal(links.builds[0]?.href, "../../logs/prod/onload-build-ab%3F%23%3C.log");
});

test("records that a kill or another version left behind are passed over", () => {
  const lines = stuckRun().records.map((record) => JSON.stringify(record));
  const text = [...lines.slice(0, 1), '{"event":"dance","at":"2026-11-26T08:00:00.000Z"}', "", '{"event":"beg'].join(
    "\n",
  );
  assert.deepEqual(parseRecords(text).length, 1);
  assert.equal(reportOf(parseRecords('{"event":"beg'), around), undefined);
});

test("lengths of time in a person's units", () => {
  assert.deepEqual([400, 59_000, 61_000, 600_000, 3_599_000, 3_660_000, 7_500_000].map(duration), [
    "0 s",
    "59 s",
    "1 min 1 s",
    "10 min",
    "1 h 0 min",
    "1 h 1 min",
    "2 h 5 min",
  ]);
});

test("the axis has a handful of marks, and none at its very end", () => {
  const timeline = timelineOf(reportFrom(stuckRun()));
  assert.ok(timeline);
  const marks = marksOf(timeline);
  assert.ok(marks.length >= 3 && marks.length <= 7, marks.join());
  assert.ok((marks.at(-1) ?? 0) <= 0.84 * (timeline.ended - timeline.began));
});
