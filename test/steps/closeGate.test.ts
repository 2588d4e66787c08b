import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { FakeCluster } from "./fakeCluster.ts";

const [old, next] = ["5.14.0-1.el9.x86_64", "5.14.0-2.el9.x86_64"] as const;
const gate = "kmm.node.kubernetes.io/version-module.ns.onload";
const entry = (kernelVersion: string) => ({ namespace: "ns", name: "onload", config: { kernelVersion } });
const mapping = (...literals: string[]) => ({
  moduleLoader: { container: { kernelMappings: literals.map((literal) => ({ literal })) } },
});

interface Found {
  /** Kernels that the Module has a mapping for; no Module without them. */
  mapped?: string[];
  label?: string;
  /** What KMM says is loaded, and in which boot; nothing without it. */
  loaded?: { kernel: string; bootId: string };
}

/** Runs the step on w1, which has booted `next`; answers the gate's label afterwards, and what was written. */
async function closeGate(t: TestContext, { mapped, label, loaded }: Found) {
  const cluster = new FakeCluster(t);
  const nodeInfo = { bootID: "b2", kernelVersion: next };
  const labels = label === undefined ? {} : { [gate]: label };
  cluster.put({ kind: "Node", metadata: { name: "w1", labels }, status: { nodeInfo } });
  if (mapped !== undefined) {
    cluster.put({ kind: "Module", metadata: { name: "onload", namespace: "ns" }, spec: mapping(...mapped) });
  }
  const modules = loaded === undefined ? [] : [{ ...entry(loaded.kernel), bootId: loaded.bootId }];
  cluster.put({
    kind: "NodeModulesConfig",
    metadata: { name: "w1" },
    spec: { modules: loaded === undefined ? [] : [entry(loaded.kernel)] },
    status: { modules },
  });
  const step = { cluster: cluster.access, node: "w1", kernel: next, namespace: "ns", module: "onload" };
  const { code, stderr } = await cluster.step("closeGate", step);
  assert.equal(code, 0, stderr);
  const writes = cluster.commands.filter((command) => !command.startsWith("get"));
  return { label: cluster.find("Node", "w1")?.metadata.labels?.[gate], writes: writes.length, stderr };
}

test("a node that has booted a kernel without a mapping gets nothing before its turn", async (t) => {
  const { label, stderr } = await closeGate(t, { mapped: [old], label: "v1", loaded: { kernel: old, bootId: "b1" } });
  assert.equal(label, undefined);
  assert.match(stderr, /w1: runs 5\.14\.0-2\S+ now; KMM must not load anything there before the node's turn/);
});

test("the same where KMM asks for nothing on it any more", async (t) => {
  assert.equal((await closeGate(t, { mapped: [old], label: "v1" })).label, undefined);
});

const stays: [string, Found][] = [
  ["that has a mapping for its kernel: KMM loads there by itself, at its boot", { mapped: [old, next], label: "v1" }],
  ["on which something is loaded now", { mapped: [old], label: "v1", loaded: { kernel: next, bootId: "b2" } }],
  ["whose gate is closed", { mapped: [old] }],
];
for (const [what, found] of stays) {
  test(`a node ${what}, stays as it is`, async (t) => {
    const { label, writes } = await closeGate(t, found);
    assert.deepEqual([label, writes], [found.label, 0]);
  });
}

test("a node without a Module in the cluster gets nothing before its turn", async (t) => {
  assert.equal((await closeGate(t, { label: "v1" })).label, undefined);
});

test("a node that is gone is let be", async (t) => {
  const cluster = new FakeCluster(t);
  const step = { cluster: cluster.access, node: "w1", kernel: next, namespace: "ns", module: "onload" };
  assert.equal((await cluster.step("closeGate", step)).code, 0);
});
