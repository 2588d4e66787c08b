import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf } from "./generate.ts";
import type { Plan } from "./plan.ts";
import { reduce } from "./reduce.ts";

const plan = planOf(1, { nodes: 3, operations: 6 });
const always = () => true;

const killsOf = ({ operations }: Plan): number =>
  operations.flatMap(({ accidents }) => accidents).filter(({ kind }) => kind === "kill").length;
const sizeOf = ({ operations }: Plan): number =>
  operations.reduce((sum, { accidents, changes }) => sum + 1 + accidents.length + changes.length, 0);

test("only what the failure needs is left", async () => {
  assert.ok(killsOf(plan) > 0, "the seed has a kill");
  const small = await reduce(plan, (each) => Promise.resolve(killsOf(each) > 0), always);
  assert.equal(sizeOf(small), 2, "one operation with one kill");
  assert.equal(killsOf(small), 1);
});

test("a failure that needs everything stays as it is", async () => {
  assert.deepEqual(await reduce(plan, () => Promise.resolve(false), always), plan);
});

test("one that needs nothing ends with one bare operation", async () => {
  const small = await reduce(plan, () => Promise.resolve(true), always);
  assert.equal(sizeOf(small), 1);
});

test("when time is over the smallest so far is answered", async () => {
  let tries = 0;
  const small = await reduce(
    plan,
    () => Promise.resolve(true),
    () => tries++ < 2,
  );
  assert.equal(small.operations.length, plan.operations.length - 2);
});
