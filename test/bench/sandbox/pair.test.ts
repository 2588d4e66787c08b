import assert from "node:assert/strict";
import { test } from "node:test";
import { measureSize, type Measured } from "../lives.ts";
import { verbs } from "../results.ts";

test("one node's whole life is measured beside a bare program with as many resources", async () => {
  const kept: number[] = [];
  const watching = {
    tell: () => undefined,
    keep: ({ series }: Measured) => Promise.resolve(void kept.push(series.length)),
  };
  const { series, turns } = await measureSize(1, { nodes: [1], rounds: 1, only: verbs }, watching);
  assert.deepEqual(
    series.map(({ verb, rounds }) => [verb, rounds.length]),
    verbs.map((verb) => [verb, 1]),
  );
  // What a run that is cut later leaves: the preview, and then all but the end.
  assert.deepEqual(kept, [1, 3]);
  for (const { rounds, resources } of series) {
    assert.ok(resources > 20, `${resources} resources`);
    for (const { wall, cpu, memory } of rounds.flatMap(({ ours, bare }) => [ours, bare])) {
      // An engine, a language host and three plugins.
      assert.ok(wall > 0.5 && cpu > 0.5 && memory > 100 * 1024 * 1024, JSON.stringify({ wall, cpu, memory }));
    }
  }
  assert.deepEqual(
    turns.map(({ what, nodes }) => [what, nodes]),
    [
      ["roll-out", 1],
      ["leaving", 1],
    ],
  );
});
