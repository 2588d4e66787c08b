import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf } from "./generate.ts";
import { planSchema } from "./plan.ts";

const size = { nodes: 3, operations: 6 };
const plans = Array.from({ length: 200 }, (_, seed) => planOf(seed, size));

test("a seed makes the same plan each time, and another seed another one", () => {
  assert.deepEqual(planOf(7, size), planOf(7, size));
  assert.notDeepEqual(planOf(7, size).operations, planOf(8, size).operations);
});

test("a plan survives being saved", () => {
  for (const plan of plans) assert.deepEqual(planSchema.parse(JSON.parse(JSON.stringify(plan))), plan);
});

test("every plan begins with a plain up, on nodes that there are", () => {
  for (const { operations, maxParallel } of plans) {
    assert.equal(operations.length, size.operations);
    assert.equal(operations[0]?.verb, "up");
    assert.deepEqual(operations[0].changes, []);
    assert.ok(maxParallel === 1 || maxParallel === 2);
    const nodes = operations.flatMap(({ changes, accidents }) => [...changes, ...accidents]).flatMap(nodeOf);
    assert.ok(nodes.every((node) => node >= 1 && node <= size.nodes));
  }
});

test("the seeds reach every kind of accident and change, and accidents in every kind of operation", () => {
  const operations = plans.flatMap((plan) => plan.operations);
  const kindsOf = (each: readonly { readonly kind: string }[]) => [...new Set(each.map(({ kind }) => kind))].sort();
  assert.deepEqual(kindsOf(operations.flatMap(({ accidents }) => accidents)), [
    "busy",
    "cordon",
    "delete",
    "failure",
    "kill",
    "reboot",
    "second bastion",
    "service",
    "stop",
    "taint",
  ]);
  assert.deepEqual(kindsOf(operations.flatMap(({ changes }) => changes)), [
    "drain",
    "hold",
    "list",
    "mainboard",
    "order",
    "rebuild",
  ]);
  for (const verb of ["up", "preview", "destroy"]) {
    assert.ok(
      operations.some((each) => each.verb === verb && each.accidents.length > 1),
      verb,
    );
  }
});

function nodeOf(each: object): number[] {
  return "node" in each ? [each.node as number] : [];
}
