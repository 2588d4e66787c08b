import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mapAtMost } from "../../../steps/lib/bounded.ts";

const turn = (turns: number): Promise<void> =>
  turns === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(() => void turn(turns - 1).then(resolve)));

test("everything is done, in the items' order, and never more at a time than allowed, but as many as there are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(4), { maxLength: 30 }), fc.integer({ min: 1, max: 8 }), async (turns, most) => {
      let [running, peak] = [0, 0];
      const done = await mapAtMost(most, turns, async (each) => {
        peak = Math.max(peak, (running += 1));
        await turn(each);
        running -= 1;
        return each * 2;
      });
      assert.deepEqual(
        done,
        turns.map((each) => each * 2),
      );
      assert.equal(peak, Math.min(most, turns.length));
    }),
    { numRuns: 50 },
  );
});

test("after a failure nothing more is begun", async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await turn(item === 2 ? 1 : 3);
    if (item === 2) throw new Error("two");
  };
  await assert.rejects(mapAtMost(2, [1, 2, 3, 4, 5, 6], work), /two/);
  await turn(20);
  assert.deepEqual(begun, [1, 2]);
});
