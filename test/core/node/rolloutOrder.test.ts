import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { predecessor } from "../../../core/node/rolloutOrder.ts";

/** Predecessors of `count` nodes. */
const plan = (count: number, width: number): (number | undefined)[] =>
  Array.from({ length: count }, (_, index) => predecessor(index, width));

/** When each node is done if all take the same time and start as soon as they may. */
function finished(count: number, width: number): number[] {
  const done: number[] = [];
  for (const before of plan(count, width)) done.push(1 + (before === undefined ? 0 : (done[before] ?? NaN)));
  return done;
}

const size = fc.integer({ min: 1, max: 200 });
const width = fc.integer({ min: 1, max: 30 });

test("one at a time: each node waits for the one before it", () => {
  assert.deepEqual(plan(5, 1), [undefined, 0, 1, 2, 3]);
});

test("several at a time: all wait for the canary, then each for the one that many places before it", () => {
  assert.deepEqual(plan(8, 3), [undefined, 0, 0, 0, 1, 2, 3, 4]);
});

test("only the canary waits for nobody, and nobody waits for a node that comes later", () => {
  fc.assert(
    fc.property(size, width, (count, k) =>
      plan(count, k).every((before, index) => (index === 0 ? before === undefined : (before ?? count) < index)),
    ),
  );
});

test("a node is never more than the width behind the one it waits for", () => {
  fc.assert(
    fc.property(size, width, (count, k) => plan(count, k).every((before, index) => index - (before ?? index) <= k)),
  );
});

test("no more nodes than the width are on their way at once, however long each takes", () => {
  fc.assert(
    fc.property(width, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 60 }), (k, durations) => {
      const spans: { from: number; to: number }[] = [];
      durations.forEach((duration, index) => {
        const before = predecessor(index, k);
        const from = before === undefined ? 0 : (spans[before]?.to ?? NaN);
        spans.push({ from, to: from + duration });
      });
      for (const { from } of spans) {
        assert.ok(spans.filter((span) => span.from <= from && from < span.to).length <= k);
      }
    }),
  );
});

test("nodes that take the same time are done in the ideal time", () => {
  fc.assert(fc.property(size, width, (count, k) => Math.max(...finished(count, k)) === 1 + Math.ceil((count - 1) / k)));
});
