import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { connect } from "../../../steps/cluster/kubectl.ts";
import { drainNode } from "../../../steps/node/drain.ts";
import { StepError } from "../../../steps/lib/step.ts";
import { clock, FakeCluster } from "../fakeCluster.ts";

const overdue =
  'error when waiting for pod "stuck" in namespace "default" to terminate: context deadline exceeded, continuing command...';
const away = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?";

async function start(t: TestContext) {
  const cluster = new FakeCluster(t);
  const kubectl = await connect(cluster.access);
  const drains = (): string[] => cluster.commands.filter((command) => command.startsWith("drain"));
  const limits = (): number[] => drains().map((command) => Number(/--timeout=(\d+)s/.exec(command)?.[1]));
  return { cluster, kubectl, limits };
}

/** The message of a drain that fails. */
async function failure(drain: Promise<void>): Promise<string> {
  const error = await drain.then(
    () => assert.fail("it was drained"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StepError, String(error));
  return error.message;
}

test("a drain whose own time is up isn't tried again, and names the pods that are still there, with the reason", async (t) => {
  const { cluster, kubectl, limits } = await start(t);
  const on = (nodeName: string) => ({ nodeName });
  const labels = { app: "db" };
  cluster.put(
    {
      kind: "Pod",
      metadata: { name: "stuck", namespace: "default", deletionTimestamp: "2026-11-25T10:00:00Z", finalizers: ["a/b"] },
      spec: on("w1"),
    },
    { kind: "Pod", metadata: { name: "db-0", namespace: "default", labels }, spec: on("w1") },
    { kind: "Pod", metadata: { name: "elsewhere", namespace: "default" }, spec: on("w2") },
    {
      kind: "PodDisruptionBudget",
      metadata: { name: "db", namespace: "default" },
      spec: { selector: { matchLabels: labels } },
      status: { disruptionsAllowed: 0 },
    },
  );
  cluster.fail("drain", overdue, 100);
  const message = await failure(drainNode(kubectl, "w1", 15));

  assert.match(message, /^w1: draining failed and the node stays cordoned: /);
  assert.match(message, /^pod default\/stuck: is being deleted, and kept by its finalizer a\/b$/m);
  assert.match(message, /^pod default\/db-0: PodDisruptionBudget default\/db allows no eviction now$/m);
  assert.doesNotMatch(message, /elsewhere/);
  assert.match(message, /to allow evictions more time, raise onload-kmm:rollout\.drainTimeoutMinutes$/);
  assert.deepEqual(limits(), [900]);
});

test("an API server that was away gives a drain no more time: further tries get what is left", async (t) => {
  const { cluster, kubectl, limits } = await start(t);
  cluster.fail("drain", away, 2);
  await drainNode(kubectl, "w1", 1);
  const [first, second, third] = limits();
  assert.equal(first, 60);
  assert.ok((second ?? 60) <= 58 && (third ?? 60) <= 56, String(limits()));
});

test("an API server that stays away ends a drain with its time", async (t) => {
  const { cluster, kubectl } = await start(t);
  cluster.fail("drain|get", away, 100);
  const begun = clock.now();
  const message = await failure(drainNode(kubectl, "w1", 0.1));
  assert.ok(clock.now() - begun < 20_000, "6 s, and 5 for the look at what is left");
  assert.match(message, /was refused/);
});

test("what the roll-out waits for and no other node can run isn't evicted, is said, and isn't taken for what is left", async (t) => {
  const { cluster, kubectl } = await start(t);
  const at = (nodeName: string) => ({ nodeName });
  const labels = { "pod-template-hash": "5a4d" };
  const ready = { conditions: [{ type: "Ready", status: "True" }] };
  cluster.put(
    { kind: "Node", metadata: { name: "w1" }, spec: { unschedulable: true }, status: ready },
    {
      kind: "Pod",
      metadata: { name: "image-registry-5a4d-x", namespace: "openshift-image-registry", labels },
      spec: at("w1"),
    },
    {
      kind: "Pod",
      metadata: { name: "engine", namespace: "trading", labels: { "pod-template-hash": "7c" } },
      spec: at("w1"),
    },
  );
  cluster.fail("drain", overdue);
  const message = await failure(drainNode(kubectl, "w1", 1));
  assert.match(message, /^pod trading\/engine: wasn't evicted$/m);
  assert.doesNotMatch(message, /^pod openshift-image-registry/m);

  await drainNode(kubectl, "w1", 1);
  const selector = "--pod-selector=!kmm.node.kubernetes.io/worker-action,pod-template-hash notin (5a4d)";
  assert.ok(cluster.commands.at(-1)?.endsWith(selector), cluster.commands.at(-1));

  cluster.put({ kind: "Node", metadata: { name: "w2" }, status: ready });
  await drainNode(kubectl, "w1", 1);
  assert.ok(cluster.commands.at(-1)?.endsWith("--pod-selector=!kmm.node.kubernetes.io/worker-action"));
});

test("who may not list pods reads kubectl's own words", async (t) => {
  const { cluster, kubectl } = await start(t);
  cluster.fail("drain", overdue);
  cluster.fail("get poddisruptionbudgets", "Error from server (Forbidden): no");
  assert.match(await failure(drainNode(kubectl, "w1", 1)), /pod "stuck" in namespace "default"/);
});
