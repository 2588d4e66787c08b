import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeCluster, type Given } from "./fakeCluster.ts";

const inUse = "beta.kmm.node.kubernetes.io/ns.onload.module-in-use";
const at = (name: string) => ({ name, namespace: "ns" });
const nmc = (name: string, labels: Record<string, string> = { [inUse]: "" }): Given => ({
  kind: "NodeModulesConfig",
  metadata: { name, labels },
});
const node = (name: string, ready: "True" | "Unknown"): Given => ({
  kind: "Node",
  metadata: { name },
  status: { conditions: [{ type: "Ready", status: ready }] },
});
const build = (name: string, phase: string): Given => ({
  kind: "Build",
  metadata: { ...at(name), labels: { "kmm.node.kubernetes.io/module.name": "onload" } },
  status: { phase },
});
const release = (cluster: FakeCluster) =>
  cluster.step("releaseModule", { cluster: cluster.access, namespace: "ns", module: "onload" });

test("KMM is left with nothing to build before its builds are cancelled: a cancelled signing would start the next", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(nmc("worker-1", {}), build("onload-sign-a", "Running"), build("onload-build-b", "Complete"));
  cluster.put({ kind: "ModuleImagesConfig", metadata: at("onload") });
  cluster.put({ kind: "ModuleBuildSignConfig", metadata: at("onload") });
  const { code, stdout } = await release(cluster);
  assert.deepEqual([code, stdout], [0, '{"cancelled":1}']);
  assert.equal(cluster.find("ModuleImagesConfig", "onload"), undefined);
  assert.equal(cluster.find("ModuleBuildSignConfig", "onload"), undefined);
  assert.deepEqual(
    cluster.commands
      .map((command) => command.split(" ").slice(0, 2).join(" "))
      .filter((each) => !each.startsWith("get")),
    [
      "delete moduleimagesconfigs.kmm.sigs.x-k8s.io",
      "delete modulebuildsignconfigs.kmm.sigs.x-k8s.io",
      "patch builds.build.openshift.io",
    ],
  );
});

test("slots that a killed run held are given back, for nobody else would", async (t) => {
  const cluster = new FakeCluster(t);
  const labels = { "onload-kmm.io/stack": "prod" };
  const annotations = { "policy.onload-kmm.io/rollout.maxParallel": "2" };
  cluster.put({ kind: "Namespace", metadata: { name: "ns", labels, annotations } });
  const held = ["onload-kmm-slot-prod-1", "onload-kmm-count-prod"];
  // Without a holder: it needn't be watched for half a minute.
  for (const name of held) cluster.put({ kind: "Lease", metadata: { name, namespace: "kube-node-lease" }, spec: {} });
  const { code, stderr } = await release(cluster);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    held.map((name) => cluster.find("Lease", name)),
    [undefined, undefined],
  );
});

test("a Module that is still loaded somewhere is waited for, and its nodes named, gone and dead ones as such", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(nmc("alive"), nmc("dead"), nmc("lost"), node("alive", "True"), node("dead", "Unknown"));
  const run = release(cluster);
  await cluster.called("get nodes");
  cluster.change("NodeModulesConfig", "alive", ({ metadata }) => (metadata.labels = {}));
  cluster.change("NodeModulesConfig", "dead", ({ metadata }) => (metadata.labels = {}));
  cluster.change("NodeModulesConfig", "lost", ({ metadata }) => (metadata.labels = {}));
  const { code, stderr } = await run;
  assert.equal(code, 0);
  assert.match(stderr, /KMM has it loaded on alive, dead \(not Ready\), lost \(gone\)/);
});

test("on another cluster nothing is deleted", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put({ kind: "ModuleImagesConfig", metadata: at("onload") });
  cluster.change("Namespace", "kube-system", ({ metadata }) => (metadata.uid = "another"));
  const { code, stderr } = await release(cluster);
  assert.equal(code, 1);
  assert.match(stderr, /^wrong cluster/);
  assert.notEqual(cluster.find("ModuleImagesConfig", "onload"), undefined);
});
