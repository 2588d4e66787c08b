import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseGeneration, parseRollState, type RollState } from "../../../core/node/rollState.ts";

const state: fc.Arbitrary<RollState> = fc.record(
  {
    phase: fc.constantFrom("drain", "load", "leave"),
    stack: fc.string(),
    version: fc.string(),
    bootId: fc.uuid(),
    since: fc.constant("2026-01-31T12:00:00Z"),
  },
  { requiredKeys: ["phase", "stack", "bootId", "since"], noNullPrototype: true },
);

test("what a step notes on a node is read back", () => {
  fc.assert(fc.property(state, (noted) => assert.deepEqual(parseRollState(JSON.stringify(noted)), noted)));
});

for (const annotation of [undefined, "", "{", "null", "[]", "7", '"load"', "{}", '{"phase":"load"}', '{"stack":"a"}']) {
  test(`the annotation ${annotation ?? "that is missing"} is no state`, () => {
    assert.equal(parseRollState(annotation), undefined);
  });
}

test("whatever somebody writes into the annotation, reading it doesn't fail", () => {
  fc.assert(fc.property(fc.string(), (text) => parseRollState(text) === undefined));
});

for (const [annotation, generation] of [
  [undefined, 0],
  ["", 0],
  ["0", 0],
  ["12", 12],
  ["-1", 0],
  ["1.5", 0],
  ["NaN", 0],
  ["two", 0],
] as const) {
  test(`${annotation === undefined ? "no annotation" : JSON.stringify(annotation)} counts as generation ${generation}`, () => {
    assert.equal(parseGeneration(annotation), generation);
  });
}
