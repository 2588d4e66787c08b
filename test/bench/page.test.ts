import assert from "node:assert/strict";
import { test } from "node:test";
import { measuredPart } from "./page.ts";
import { renewed, type Results, type Series, type Verb } from "./results.ts";

const mebi = 1024 * 1024;

/** Rounds with these seconds of ours; the bare program takes half of that, and a tenth of the memory. */
const series = (verb: Verb, nodes: number, ...walls: readonly number[]): Series => ({
  ...{ verb, nodes, resources: nodes * 6 + 25, at: "2026-11-26 19:00", load: 2.5 },
  rounds: walls.map((wall) => ({
    ours: { wall, cpu: wall * 2, others: 3, memory: 500 * mebi },
    bare: { wall: wall / 2, cpu: wall / 2, others: 1, memory: 50 * mebi },
  })),
});

const machine = {
  cpu: "CPU 3000",
  cores: 2,
  memory: 24 * 1024 * mebi,
  node: "v24.0.0",
  pulumi: "v3.259.0",
  system: "L 6",
};
const nothing: Results = { machine, series: [], starts: [], turns: [] };

/** The cells of each line that begins with these words. */
const rowsOf = (text: string, begin: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`| ${begin}`))
    .map((line) => line.split("|").map((cell) => cell.trim()));

test("ratios come first: ours by bare, of each round, and their median", () => {
  const uneven = series("preview", 10, 4, 6, 5);
  const [first, ...others] = uneven.rounds;
  assert.ok(first);
  const rounds = [{ ...first, bare: { ...first.bare, wall: 1 } }, ...others];
  const text = measuredPart({ ...nothing, series: [{ ...uneven, rounds }] });
  assert.deepEqual(rowsOf(text, "`preview`")[0]?.slice(2, -1), [
    ...["10", "85", "2026-11-26 19:00", "2.5", "3"],
    ...["**2.00 ×** (2.00 × to 4.00 ×)", "**4.00 ×** (4.00 × to 4.00 ×)", "**10.00 ×** (10.00 × to 10.00 ×)"],
  ]);
});

test("one round has no spread", () => {
  const text = measuredPart({ ...nothing, series: [series("up", 10, 4)] });
  assert.deepEqual(rowsOf(text, "first `up`")[0]?.slice(7, -1), ["**2.00 ×**", "**4.00 ×**", "**10.00 ×**"]);
  assert.deepEqual(rowsOf(text, "first `up`")[1]?.slice(3, -1), ["ours", "4.0 s", "8.0 s", "3.0 s", "500 MiB"]);
});

test("seconds and bytes: least, median, most", () => {
  const text = measuredPart({ ...nothing, series: [series("noop", 10, 4, 6, 10)] });
  assert.deepEqual(rowsOf(text, "`up` with nothing to do")[1]?.slice(3, -1), [
    ...[
      "ours",
      "4.0 s / 6.0 s / 10.0 s",
      "8.0 s / 12.0 s / 20.0 s",
      "3.0 s / 3.0 s / 3.0 s",
      "500 MiB / 500 MiB / 500 MiB",
    ],
  ]);
});

test("one node more is compared with the bare program, and with the slope before", () => {
  const sizes = [series("preview", 10, 5), series("preview", 100, 14), series("preview", 1000, 284)];
  const text = measuredPart({ ...nothing, series: sizes });
  const slopes = rowsOf(text.slice(text.indexOf("### One node more"), text.indexOf("### In seconds")), "`preview`");
  assert.deepEqual(
    slopes.map((cells) => cells.slice(2, -1)),
    [
      ["time", "10", "100", "0.100 s", "0.050 s", "**2.00 ×**", "", ""],
      ["CPU", "10", "100", "0.200 s", "0.050 s", "**4.00 ×**", "", ""],
      ["time", "100", "1000", "0.300 s", "0.150 s", "**2.00 ×**", "3.00 ×", "3.00 ×"],
      ["CPU", "100", "1000", "0.600 s", "0.150 s", "**4.00 ×**", "3.00 ×", "3.00 ×"],
    ],
  );
});

test("nodes out of service are set beside the ideal, which has a canary when they are rolled out", () => {
  const turns = [
    { what: "roll-out", nodes: 7, width: 2, one: 10, all: 44 },
    { what: "leaving", nodes: 7, width: 2, one: 10, all: 44 },
  ] as const;
  const text = measuredPart({ ...nothing, turns });
  assert.deepEqual(rowsOf(text, "roll-out")[0]?.slice(2, -1), ["7", "2", "10.0 s", "40.0 s", "44.0 s", "**1.10 ×**"]);
  assert.deepEqual(rowsOf(text, "leaving")[0]?.slice(2, -1), ["7", "2", "10.0 s", "40.0 s", "44.0 s", "**1.10 ×**"]);
});

test("what wasn't measured is told, and has no numbers", () => {
  const text = measuredPart({ ...nothing, series: [series("preview", 10, 5), series("preview", 1000, 500)] });
  const told = text.slice(text.indexOf("### Not measured"));
  assert.match(told, /^- at 10 nodes: up, noop, destroy$/m);
  assert.match(told, /^- at 100 nodes: preview, up, noop, destroy$/m);
  assert.match(told, /^- at 1000 nodes: up, noop, destroy: each simulated/m);
  assert.match(told, /^- the program's start$/m);
  assert.match(told, /^- `assets\/build-kmod\.sh`/m);
  assert.deepEqual(rowsOf(text, "`destroy`"), []);
  assert.doesNotMatch(text, /NaN|undefined|Infinity/);
});

test("a later run takes the place of what it measured again, and of nothing else", () => {
  const before = { ...nothing, series: [series("preview", 10, 5), series("noop", 10, 8)] };
  const now = { ...nothing, series: [series("preview", 10, 4), series("preview", 100, 9)] };
  const walls = renewed(before, now).series.map(({ verb, nodes, rounds }) => [verb, nodes, rounds[0]?.ours.wall]);
  assert.deepEqual(walls, [
    ["preview", 10, 4],
    ["preview", 100, 9],
    ["noop", 10, 8],
  ]);
});

test("nothing is kept of another machine", () => {
  const before = { ...nothing, machine: { ...machine, cores: 64 }, series: [series("preview", 10, 5)] };
  assert.deepEqual(renewed(before, nothing), nothing);
});
