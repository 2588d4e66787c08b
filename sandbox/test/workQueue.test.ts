import assert from "node:assert/strict";
import { test } from "node:test";
import { WorkQueue } from "../kube.ts";

/** Resolves when `condition` holds; asked after every turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

test("a burst of adds becomes one round", async () => {
  let rounds = 0;
  const queue = new WorkQueue({
    reconcile: async () => {
      rounds += 1;
      await Promise.resolve();
    },
  });
  for (let i = 0; i < 5; i += 1) queue.add("a");
  await queue.stop();
  assert.ok(rounds === 1 || rounds === 2, `${rounds} rounds`);
});

test("one key is never worked on twice at once, different keys are", async () => {
  const active: string[] = [];
  const seen: string[][] = [];
  const gate = Promise.withResolvers<undefined>();
  const queue = new WorkQueue({
    reconcile: async (key) => {
      active.push(key);
      seen.push([...active]);
      await gate.promise;
      active.splice(active.indexOf(key), 1);
    },
  });
  queue.add("a");
  queue.add("b");
  await until(() => seen.length === 2);
  queue.add("a");
  gate.resolve(undefined);
  await until(() => seen.length === 3);
  await queue.stop();
  assert.deepEqual(seen, [["a"], ["a", "b"], ["a"]]);
});

test("a failing key is tried again with doubled pauses until it succeeds", async () => {
  const errors: unknown[] = [];
  let tries = 0;
  const done = Promise.withResolvers<undefined>();
  const queue = new WorkQueue({
    reconcile: async () => {
      tries += 1;
      await Promise.resolve();
      if (tries < 4) throw new Error(`try ${tries}`);
      done.resolve(undefined);
    },
    failed: (_key, error) => errors.push(error),
    firstMs: 1,
  });
  queue.add("a");
  await done.promise;
  await queue.stop();
  assert.deepEqual(
    errors.map((error) => (error as Error).message),
    ["try 1", "try 2", "try 3"],
  );
});
