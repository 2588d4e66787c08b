import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { RollNode } from "../../../core/node/nodeState.ts";
import { connect } from "../../../steps/cluster/kubectl.ts";
import { NodeOutage } from "../../../steps/node/nodeOutage.ts";
import { clock, FakeCluster } from "../fakeCluster.ts";

const settings = { stack: "prod", node: "w1", maxParallel: 1, drain: true, drainTimeoutMinutes: 5 };
const nodeInfo = { bootID: "boot-1", machineID: "m", systemUUID: "s", kernelVersion: "5.14" };

interface Node {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: { unschedulable?: boolean };
}

/** A cluster with the node w1, and the outage of stack `prod` on it. */
async function start(t: TestContext, given: Partial<Node> = {}, change: Partial<typeof settings> = {}) {
  const cluster = new FakeCluster(t);
  cluster.put({ kind: "Node", ...given, metadata: { name: "w1", ...given.metadata }, status: { nodeInfo } });
  const outage = new NodeOutage(await connect(cluster.access), { ...settings, ...change });
  const read = async (): Promise<RollNode> => (await outage.read()) ?? assert.fail("the node is gone");
  const found = () => cluster.find("Node", "w1") as unknown as Node;
  return { cluster, outage, read, found };
}

test("a phase is noted on the node in the same write that cordons it", async (t) => {
  const { cluster, outage, read, found } = await start(t);
  await outage.enter(await read(), "drain", "v1");
  const { metadata, spec } = found();
  assert.equal(spec?.unschedulable, true);
  assert.equal(metadata.annotations?.["onload-kmm.io/cordoned-by"], "prod");
  const { since, ...state } = JSON.parse(metadata.annotations["onload-kmm.io/roll"] ?? "") as Record<string, string>;
  assert.deepEqual(state, { phase: "drain", stack: "prod", version: "v1", bootId: "boot-1" });
  assert.equal(Date.parse(since ?? ""), clock.now());
  assert.equal(cluster.commands.filter((command) => command.startsWith("patch")).length, 1);
});

test("a phase is found again by its own stack, and by no other", async (t) => {
  const { cluster, outage, read } = await start(t);
  await outage.enter(await read(), "load", "v1");
  assert.equal(outage.stateOf(await read())?.phase, "load");
  const other = new NodeOutage(await connect(cluster.access), { ...settings, stack: "dev" });
  assert.equal(other.stateOf(await read()), undefined);
});

test("leaving lifts our cordon and forgets the phase", async (t) => {
  const { outage, read, found } = await start(t);
  await outage.enter(await read(), "load", "v1");
  await outage.leave(await read());
  assert.deepEqual(found().metadata.annotations, {});
  assert.deepEqual(found().spec, {});
});

test("somebody else's cordon stays, and is never claimed", async (t) => {
  const { outage, read, found } = await start(t, { spec: { unschedulable: true } });
  await outage.enter(await read(), "drain");
  assert.equal(found().metadata.annotations?.["onload-kmm.io/cordoned-by"], undefined);
  await outage.leave(await read());
  assert.deepEqual(found().spec, { unschedulable: true });
  assert.deepEqual(found().metadata.annotations, {});
});

test("another stack's cordon stays, too", async (t) => {
  const annotations = { "onload-kmm.io/cordoned-by": "dev" };
  const { outage, read, found } = await start(t, { spec: { unschedulable: true }, metadata: { annotations } });
  await outage.enter(await read(), "drain");
  await outage.leave(await read());
  assert.deepEqual(found().spec, { unschedulable: true });
  assert.deepEqual(found().metadata.annotations, annotations);
});

test("a cordon of an earlier run is ours again, and lifted at the end", async (t) => {
  const { outage, read, found } = await start(t);
  await outage.enter(await read(), "drain", "v1");
  // Killed here; the next run begins.
  await outage.enter(await read(), "load", "v1");
  await outage.leave(await read());
  assert.deepEqual(found().spec, {});
});

test("the version label is the gate: set, and taken off, beside the node's other labels", async (t) => {
  const { outage, found } = await start(t, { metadata: { labels: { zone: "a" } } });
  const key = "kmm.node.kubernetes.io/version-module.ns.onload";
  await outage.setVersion("ns", "onload", "v1");
  assert.deepEqual(found().metadata.labels, { zone: "a", [key]: "v1" });
  await outage.setVersion("ns", "onload", undefined);
  assert.deepEqual(found().metadata.labels, { zone: "a" });
});

test("the generation that ended well is kept on the node", async (t) => {
  const { outage, found } = await start(t);
  await outage.keepGeneration(2);
  assert.equal(found().metadata.annotations?.["onload-kmm.io/generation"], "2");
});

test("a node that isn't fit for service stays cordoned, and the cordon is its operator's", async (t) => {
  const { outage, read, found } = await start(t);
  await outage.enter(await read(), "leave");
  await outage.leave(await read(), { isFit: false });
  assert.deepEqual(found().metadata.annotations, {});
  assert.deepEqual(found().spec, { unschedulable: true });
});

test("the boot in which a node was unloaded is noted, and never over the reboot that deletes its key", async (t) => {
  const { cluster, outage, read } = await start(t);
  await outage.enter(await read(), "leave");
  const boot = (bootID: string) =>
    cluster.change("Node", "w1", (node) => (node["status"] = { nodeInfo: { ...nodeInfo, bootID } }));
  boot("boot-2");
  await outage.noteUnloaded();
  assert.equal(outage.stateOf(await read())?.bootId, "boot-2");
  await outage.enter(await read(), "remove");
  boot("boot-3");
  await outage.noteUnloaded();
  const { phase, bootId } = outage.stateOf(await read()) ?? assert.fail();
  assert.deepEqual([phase, bootId], ["remove", "boot-2"]);
});

test("the stack's other nodes that we cordoned are out; others', uncordoned and held ones aren't", async (t) => {
  const { cluster, outage } = await start(t, {
    metadata: { labels: { "onload-kmm.io/stack": "prod" }, annotations: { "onload-kmm.io/cordoned-by": "prod" } },
  });
  const other = (name: string, stack: string, cordonedBy?: string, held = {}) =>
    cluster.put({
      kind: "Node",
      metadata: {
        name,
        labels: { "onload-kmm.io/stack": stack },
        ...(cordonedBy !== undefined && { annotations: { "onload-kmm.io/cordoned-by": cordonedBy, ...held } }),
      },
      status: { nodeInfo },
    });
  other("w2", "prod", "prod");
  other("w3", "prod");
  other("w4", "dev", "dev");
  other("w5", "prod", "prod", { "onload-kmm.io/hold": "true" });
  assert.deepEqual(await outage.othersOut(), ["w2"]);

  other("w6", "prod", "prod");
  const listed = ["w1", "w6"];
  const inStack = new NodeOutage(await connect(cluster.access), { ...settings, listed });
  assert.deepEqual(await inStack.othersOut(), ["w6"], "w2 was taken off the list");
});

test("a drain respects budgets and its time, and leaves KMM's workers alone", async (t) => {
  const { cluster, outage } = await start(t);
  await outage.drain();
  assert.equal(
    cluster.commands.at(-1),
    "drain w1 --ignore-daemonsets --delete-emptydir-data --force --timeout=300s " +
      "--pod-selector=!kmm.node.kubernetes.io/worker-action",
  );
});

test("where draining is off nothing is evicted", async (t) => {
  const { cluster, outage } = await start(t, {}, { drain: false });
  await outage.drain();
  assert.ok(!cluster.commands.some((command) => command.startsWith("drain")));
});

for (const lease of ["onload-kmm-node-w1", "onload-kmm-slot-prod-0"]) {
  test(`a run that stood still and lost ${lease} neither drains nor writes to the node any more`, async (t) => {
    const { cluster, outage, read, found } = await start(t);
    const lost = (work: () => Promise<void>) =>
      assert.rejects(work, /this run stood still .* it changes nothing more there/);
    await outage.alone(false, async () => {
      const node = await read();
      await outage.enter(node, "drain", "v1");
      cluster.change("Lease", lease, (object) => (object["spec"] = { holderIdentity: "prod/other/8" }));
      clock.advance(31_000);
      await lost(() => outage.drain());
      await lost(() => outage.leave(node));
      await lost(() => outage.setVersion("onload-kmm", "onload", "v1"));
    });
    assert.equal(found().spec?.unschedulable, true);
    assert.ok(!cluster.commands.some((command) => command.startsWith("drain")));
  });
}

test("work runs alone on the node and in its turn, and gives both Leases back", async (t) => {
  const { cluster, outage } = await start(t);
  const leases = (): string[] =>
    ["onload-kmm-node-w1", "onload-kmm-slot-prod-0", "onload-kmm-control-plane"].filter(
      (name) => cluster.find("Lease", name) !== undefined,
    );
  const during = await outage.alone(false, () => Promise.resolve(leases()));
  assert.deepEqual(during, ["onload-kmm-node-w1", "onload-kmm-slot-prod-0"]);
  assert.deepEqual(leases(), []);
});

test("of the control plane one node at most is out, whatever the stacks' widths", async (t) => {
  const { cluster, outage } = await start(t, {}, { maxParallel: 3 });
  const during = await outage.alone(true, () =>
    Promise.resolve(cluster.find("Lease", "onload-kmm-control-plane")?.["spec"] as { holderIdentity: string }),
  );
  assert.match(during.holderIdentity, /^prod\//);
});

test("where several may be out, who counts while another run does waits for it", async (t) => {
  const { cluster, outage, read, found } = await start(t, {}, { maxParallel: 2 });
  const lease = "onload-kmm-count-prod";
  const spec = {
    holderIdentity: "prod/other/8",
    renewTime: new Date(clock.now()).toISOString(),
    leaseDurationSeconds: 30,
  };
  cluster.put({ kind: "Lease", metadata: { name: lease, namespace: "kube-node-lease" }, spec });
  const begun = clock.now();
  await outage.countingAlone(async () => outage.enter(await read(), "drain", "v1"));
  assert.equal(found().spec?.unschedulable, true);
  // The other one was killed: nobody renewed its Lease.
  assert.ok(clock.now() - begun >= 30_000, `${clock.now() - begun} ms`);
  assert.equal(cluster.find("Lease", lease), undefined);
});
