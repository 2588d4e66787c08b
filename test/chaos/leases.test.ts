import assert from "node:assert/strict";
import { test } from "node:test";
import { takenFromLiving, type LeaseLook } from "./leases.ts";

const look = (seconds: number, holder: string, uid = "1"): LeaseLook => ({
  at: seconds * 1000,
  name: "onload-kmm-node-worker-1",
  uid,
  holder,
});

test("a Lease that is taken from who renews it is seen", () => {
  assert.deepEqual(takenFromLiving([look(0, "dev/a/1"), look(10, "dev/a/1"), look(12, "dev/b/2")]), [
    "dev/b/2 took the Lease onload-kmm-node-worker-1 2 s after dev/a/1 had renewed it",
  ]);
});

test("one that nobody renews any more may be taken, and one that was given back", () => {
  assert.deepEqual(takenFromLiving([look(0, "dev/a/1"), look(31, "dev/b/2")]), []);
  assert.deepEqual(takenFromLiving([look(0, "dev/a/1"), look(5, "dev/b/2", "another")]), []);
});
