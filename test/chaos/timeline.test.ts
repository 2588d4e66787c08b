import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditEntry } from "@onload-kmm/sandbox/sandbox";
import { looksIn, needlessBoots, outAt, tooManyOut, type NodeLook, type Period } from "./timeline.ts";

const look = (at: number, node: string, ours: boolean, held = false): NodeLook => ({ at, node, ours, held });
const all = ["a", "b", "c"];
const period = (verb: Period["verb"], began: number, listed = all): Period => ({ verb, began, listed });

const up = [period("up", 0)];

test("two nodes out are one too many for one, and right for two", () => {
  const looks = [look(1, "a", true), look(2, "b", true), look(3, "a", false), look(4, "b", false)];
  assert.deepEqual(tooManyOut(looks, up, 1), ["b was taken out at 1970-01-01T00:00:00.002Z while a was out, in up"]);
  assert.deepEqual(tooManyOut(looks, up, 2), []);
});

test("one after the other is right, and so is a node that stays out through more writes", () => {
  const looks = [look(1, "a", true), look(2, "a", true), look(3, "a", false), look(4, "b", true)];
  assert.deepEqual(tooManyOut(looks, up, 1), []);
});

test("a held node, and one that was taken off the list, don't count against others", () => {
  assert.deepEqual(tooManyOut([look(1, "a", true, true), look(2, "b", true)], up, 1), []);
  const later = [...up, period("up", 5, ["b", "c"])];
  assert.deepEqual(tooManyOut([look(1, "a", true), look(6, "b", true)], later, 1), []);
});

test("a node that an earlier run left out counts in up, and not in destroy, where two more do", () => {
  const looks = [look(1, "a", true), look(6, "b", true), look(7, "c", true)];
  assert.equal(tooManyOut(looks.slice(0, 2), [...up, period("up", 5)], 1).length, 1);
  assert.deepEqual(tooManyOut(looks.slice(0, 2), [...up, period("destroy", 5)], 1), []);
  assert.match(
    tooManyOut(looks, [...up, period("destroy", 5)], 1).join(),
    /^c was taken out .* while b was out, in destroy$/,
  );
});

test("who was out at a time is what was written last until then", () => {
  const looks = [look(1, "a", true), look(2, "b", true), look(3, "a", false)];
  assert.deepEqual([...outAt(looks, 2).keys()], ["a", "b"]);
  assert.deepEqual([...outAt(looks, 3).keys()], ["b"]);
});

test("of the log only writes to Nodes that the API server took are looks", () => {
  const object = {
    metadata: { name: "a", annotations: { "onload-kmm.io/cordoned-by": "dev" } },
    spec: { unschedulable: true },
  };
  const entry = { resource: "nodes", code: 200, dryRun: false, object, answered: "1970-01-01T00:00:00.001Z" };
  const foreign = { ...object, metadata: { name: "b", annotations: { "onload-kmm.io/hold": "true" } } };
  const log = [entry, { ...entry, dryRun: true }, { ...entry, code: 409 }, { ...entry, object: foreign }];
  assert.deepEqual(looksIn(log as unknown as AuditEntry[]), [look(1, "a", true), look(1, "b", false, true)]);
});

test("a boot for each key and for each reset by hand; one that met an outage may cost one more", () => {
  const count = { node: "a", booted: 2, enrolled: 1, handBoots: 1, handBootsWhileOut: 0 };
  assert.deepEqual(needlessBoots([count]), []);
  assert.match(needlessBoots([{ ...count, booted: 3 }]).join(), /^a booted 3 times: 1 keys were enrolled/);
  assert.deepEqual(needlessBoots([{ ...count, booted: 3, handBootsWhileOut: 1 }]), []);
});
