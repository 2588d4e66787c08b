import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "./plan.ts";
import { changed, configure, firstWanted } from "./wanted.ts";

const after = (...changes: Change[]) => changes.reduce(changed, firstWanted(3));

test("rebuild goes to numbers that were never used, and back to the one before", () => {
  const [forward, back] = [
    { kind: "rebuild", to: "new" },
    { kind: "rebuild", to: "old" },
  ] as const;
  assert.deepEqual(after(forward, forward).rebuilds, [0, 1, 2]);
  assert.deepEqual(after(forward, back, forward).rebuilds, [0, 1, 0, 2]);
  assert.deepEqual(after(back).rebuilds, [0], "there is nothing before the first");
});

test("nodes change their order, come and go, and one stays", () => {
  assert.deepEqual(after({ kind: "order" }).listed, [2, 3, 1]);
  assert.deepEqual(after({ kind: "list", node: 2 }).listed, [1, 3]);
  assert.deepEqual(after({ kind: "list", node: 2 }, { kind: "list", node: 2 }).listed, [1, 3, 2]);
  const leaving = [1, 2, 3].map((node) => ({ kind: "list", node }) as const);
  assert.deepEqual(after(...leaving).listed, [3]);
});

test("the configuration says what is wanted, and keeps what isn't chaos's", () => {
  const entries = [1, 2, 3].map((node) => ({ name: `worker-${node}`, address: `127.0.0.1:${node}` }));
  const wanted = after({ kind: "hold", node: 2 }, { kind: "order" }, { kind: "drain" }, { kind: "rebuild", to: "new" });
  const stack = { encryptionsalt: "v1", config: { "onload-kmm:ssh": { user: "core" } } };
  const { encryptionsalt, config } = configure(stack, wanted, { entries, maxParallel: 2 });
  assert.equal(encryptionsalt, "v1");
  assert.deepEqual(config["onload-kmm:ssh"], { user: "core" });
  assert.deepEqual(config["onload-kmm:nodes"], [{ ...entries[1], hold: true }, entries[2], entries[0]]);
  assert.equal(config["onload-kmm:rebuild"], 1);
  const { maxParallel, drain } = config["onload-kmm:rollout"] as { maxParallel: number; drain: boolean };
  assert.deepEqual([maxParallel, drain], [2, false]);
});
