import assert from "node:assert/strict";
import { test } from "node:test";
import { idealLeaving, idealRollOut, slope, spread } from "./statistics.ts";

test("the middle of an even number of values lies between two", () => {
  assert.deepEqual(spread([4, 1, 3, 2]), { least: 1, median: 2.5, most: 4 });
  assert.deepEqual(spread([3, 1, 2]), { least: 1, median: 2, most: 3 });
  assert.deepEqual(spread([7]), { least: 7, median: 7, most: 7 });
  assert.throws(() => spread([]), /no values/);
});

test("one node more costs the difference, shared by the nodes between", () => {
  assert.equal(slope({ nodes: 10, value: 5 }, { nodes: 100, value: 50 }), 0.5);
});

test("ideals: a canary before a roll-out, none before a leaving", () => {
  assert.deepEqual(
    [1, 2, 3, 7].map((width) => idealRollOut(7, width, 10)),
    [70, 40, 30, 20],
  );
  assert.deepEqual(
    [1, 2, 3, 7].map((width) => idealLeaving(7, width, 10)),
    [70, 40, 30, 10],
  );
  assert.equal(idealRollOut(1, 3, 10), 10);
});
