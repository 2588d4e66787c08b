import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isControlPlane, type RollNode } from "../../../core/node/nodeState.ts";
import { connect } from "../../../steps/cluster/kubectl.ts";
import { requireNoHealthCheck, requireLoadable, requireNoMaintenance } from "../../../steps/node/nodeSafety.ts";
import { FakeCluster, type Given } from "../fakeCluster.ts";
import { machine } from "../../core/node/machines.ts";

const worker = { "node-role.kubernetes.io/worker": "" };
const node = (ready = "True", labels: Record<string, string> = worker): RollNode => ({
  metadata: { name: "w1", uid: "u", labels },
  status: {
    nodeInfo: { bootID: "b", kernelVersion: "5.14", machineID: "m", systemUUID: "s" },
    conditions: [{ type: "Ready", status: ready }],
  },
});
const pool = (name: string, type: string): Given => ({
  kind: "MachineConfigPool",
  metadata: { name },
  spec: { nodeSelector: { matchLabels: { [`node-role.kubernetes.io/${name}`]: "" } } },
  status: { conditions: [{ type, status: "True" }] },
});
const etcd = (available: string, degraded: string, progressing: string): Given => ({
  kind: "ClusterOperator",
  metadata: { name: "etcd" },
  status: {
    conditions: [
      { type: "Available", status: available },
      { type: "Degraded", status: degraded },
      { type: "Progressing", status: progressing },
    ],
  },
});

async function start(t: TestContext, ...objects: Given[]) {
  const cluster = new FakeCluster(t);
  cluster.put(...objects);
  return { cluster, kubectl: await connect(cluster.access) };
}

test("a ready node whose pool is updated may go out of service", async (t) => {
  const { kubectl } = await start(t, pool("worker", "Updated"));
  await requireNoMaintenance(kubectl, node());
});

test("a node that isn't Ready isn't touched", async (t) => {
  const { kubectl } = await start(t, { kind: "Node", ...node("Unknown") });
  await assert.rejects(
    requireNoMaintenance(kubectl, node("Unknown"), 0.5),
    /timed out after 0.5 s waiting for w1: the node isn't Ready; the node was not touched/,
  );
});

test("a node that is Ready again in time may go out of service", async (t) => {
  const { kubectl } = await start(t, { kind: "Node", ...node() }, pool("worker", "Updated"));
  await requireNoMaintenance(kubectl, node("Unknown"));
});

test("a node whose pool is being updated isn't touched", async (t) => {
  const { kubectl } = await start(t, pool("worker", "Updating"));
  await assert.rejects(
    requireNoMaintenance(kubectl, node()),
    /w1: machine config pool worker is Updating.*was not touched/,
  );
});

const master = node("True", { "node-role.kubernetes.io/master": "" });

test("control-plane nodes are known by either label", () => {
  assert.deepEqual(
    [node(), master, node("True", { "node-role.kubernetes.io/control-plane": "" })].map(isControlPlane),
    [false, true, true],
  );
});

test("a control-plane node may go out of service while etcd is healthy", async (t) => {
  const { kubectl } = await start(t, etcd("True", "False", "False"));
  await requireNoMaintenance(kubectl, master);
});

test("a control-plane node isn't touched while etcd is no whole one", async (t) => {
  const { kubectl } = await start(t, etcd("True", "True", "False"));
  await assert.rejects(
    requireNoMaintenance(kubectl, master),
    /timed out after 600 s waiting for w1: the ClusterOperator etcd is Degraded; .*only while etcd is healthy.*was not touched/,
  );
  // Workers don't depend on it.
  await requireNoMaintenance(kubectl, node());
});

test("etcd that becomes whole again after the node before is waited for", async (t) => {
  const { cluster, kubectl } = await start(t, etcd("True", "True", "False"));
  let looks = 0;
  cluster.onCall(() => {
    looks += 1;
    if (looks < 10) return;
    cluster.change("ClusterOperator", "etcd", (object) => Object.assign(object, etcd("True", "False", "False")));
  });
  await requireNoMaintenance(kubectl, master);
  assert.ok(looks >= 10, String(looks));
});

const noKind = (plural: string): string => `error: the server doesn't have a resource type "${plural}"`;
// kubectl's words where it remembers a kind that is gone.
const gone =
  'Error from server (NotFound): Unable to list "machineconfiguration.openshift.io/v1, Resource=machineconfigpools": the server ' +
  "could not find the requested resource (get machineconfigpools.machineconfiguration.openshift.io)";

for (const [what, pools] of [
  ["no such kind", noKind("machineconfigpools")],
  ["a kind that was deleted", gone],
]) {
  test(`a hosted cluster, with ${what} as MachineConfigPool and without etcd, lets its nodes go out of service`, async (t) => {
    const { cluster, kubectl } = await start(t);
    cluster.fail("machineconfigpools", pools ?? "");
    cluster.fail("clusteroperators", noKind("clusteroperators"));
    await requireNoMaintenance(kubectl, master);
  });
}

test("a cluster whose etcd is elsewhere has no ClusterOperator of that name", async (t) => {
  const { kubectl } = await start(t);
  await requireNoMaintenance(kubectl, master);
});

for (const what of ["machineconfigpools", "clusteroperators"]) {
  test(`${what} that may not be read are no absent ones`, async (t) => {
    const { cluster, kubectl } = await start(t);
    cluster.fail(what, `Error from server (Forbidden): ${what} is forbidden: User "x" cannot list resource`);
    await assert.rejects(requireNoMaintenance(kubectl, master), /Forbidden/);
  });
}

test("a node that a health check would power-cycle isn't rebooted into MokManager", async (t) => {
  const { kubectl } = await start(t, {
    kind: "NodeHealthCheck",
    metadata: { name: "workers" },
    spec: { selector: { matchLabels: worker } },
  });
  await assert.rejects(
    requireNoHealthCheck(kubectl, node()),
    /w1: .*NodeHealthCheck workers \(pause it with spec\.pauseRequests\).* would power-cycle it while its firmware enrols the key, which loses the request/,
  );
});

test("a cluster without health check operators is fine", async (t) => {
  const { cluster, kubectl } = await start(t);
  cluster.fail("nodehealthchecks", 'error: the server doesn\'t have a resource type "nodehealthchecks"');
  cluster.fail("machinehealthchecks", 'error: the server doesn\'t have a resource type "machinehealthchecks"');
  await requireNoHealthCheck(kubectl, node());
});

test("a node that can't be loaded isn't touched; all that is in the way is said at once", () => {
  const consent = { ownNetworkOnSolarflare: false, withoutPorts: false };
  const ownNetwork = [{ name: "ens1", driver: "sfc", solarflare: true }];
  assert.throws(
    () => requireLoadable("w1", machine({ ownNetwork, blacklisted: ["sfc"] }), consent),
    /w1: its own network .*`ownNetworkOnSolarflare: true`.*; and the kernel argument module_blacklist= makes its kernel refuse sfc.* \[OKMM-NODE-BLACKLIST\]; or .*The node was not touched/,
  );
  requireLoadable("w1", machine(), consent);
});
