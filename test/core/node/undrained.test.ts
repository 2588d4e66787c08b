import assert from "node:assert/strict";
import { test } from "node:test";
import { undrained, type DisruptionBudget, type DrainedPod } from "../../../core/node/undrained.ts";

const pod = (more: Partial<DrainedPod["metadata"]> = {}): DrainedPod => ({
  metadata: { name: "db-0", namespace: "trading", labels: { app: "db" }, ...more },
});
const budget = (disruptionsAllowed: number, namespace = "trading", app = "db"): DisruptionBudget => ({
  metadata: { name: "db", namespace },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed },
});
const deletionTimestamp = "2026-11-25T10:00:00Z";

test("a pod that is kept by a finalizer is named with it", () => {
  assert.deepEqual(undrained([pod({ deletionTimestamp, finalizers: ["example.com/hold"] })], [budget(0)]), [
    "pod trading/db-0: is being deleted, and kept by its finalizer example.com/hold",
  ]);
});

test("a pod that takes its time to end is named", () => {
  assert.deepEqual(undrained([pod({ deletionTimestamp })], []), [
    "pod trading/db-0: is being deleted, and hasn't ended",
  ]);
});

test("a pod that a budget keeps is named with that budget, and with no other", () => {
  const others = [budget(1), budget(0, "elsewhere"), budget(0, "trading", "web")];
  assert.deepEqual(undrained([pod()], [...others, budget(0)]), [
    "pod trading/db-0: PodDisruptionBudget trading/db allows no eviction now",
  ]);
  assert.deepEqual(undrained([pod()], others), ["pod trading/db-0: wasn't evicted"]);
});

test("a budget that selects nothing, or whose status isn't there yet, keeps no pod", () => {
  const { metadata, spec = {}, status = {} } = budget(0);
  assert.deepEqual(
    undrained(
      [pod()],
      [
        { metadata, status },
        { metadata, spec },
      ],
    ),
    ["pod trading/db-0: wasn't evicted"],
  );
});

test("what stays on a drained node isn't named", () => {
  const staying = [
    pod({ ownerReferences: [{ kind: "DaemonSet" }] }),
    pod({ annotations: { "kubernetes.io/config.mirror": "4f2e" } }),
    pod({ labels: { "kmm.node.kubernetes.io/worker-action": "load" } }),
  ];
  assert.deepEqual(undrained(staying, []), []);
  assert.equal(undrained([pod({ ownerReferences: [{ kind: "ReplicaSet" }] })], []).length, 1);
});
