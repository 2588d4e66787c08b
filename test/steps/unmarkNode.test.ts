import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { FakeCluster } from "./fakeCluster.ts";

/** Runs the step on the node w1 of stack `prod`; `marks` are its labels and annotations, absent when it is gone. */
async function unmark(
  t: TestContext,
  marks?: { labels: Record<string, string>; annotations: Record<string, string> },
  prepare?: (c: FakeCluster) => void,
) {
  const cluster = new FakeCluster(t);
  if (marks !== undefined) cluster.put({ kind: "Node", metadata: { name: "w1", ...marks } });
  prepare?.(cluster);
  const result = await cluster.step("unmarkNode", {
    cluster: cluster.access,
    stack: "prod",
    node: "w1",
    namespace: "ns",
    module: "onload",
  });
  const writes = cluster.commands.filter((command) => !command.startsWith("get"));
  return { ...result, writes, node: cluster.find("Node", "w1") };
}

const marked = {
  labels: {
    "onload-kmm.io/stack": "prod",
    zone: "a",
    "beta.kmm.node.kubernetes.io/version-device-plugin.ns.onload": "v1",
    "beta.kmm.node.kubernetes.io/version-device-plugin.ns.other": "v1",
  },
  annotations: {
    "onload-kmm.io/selected": "u",
    "onload-kmm.io/hold": "true",
    "onload-kmm.io/generation": "2",
    other: "b",
  },
};

test("a node that has left keeps none of our marks, and everything else", async (t) => {
  const { code, writes, node } = await unmark(t, marked);
  assert.equal(code, 0);
  assert.deepEqual(node?.metadata.labels, {
    zone: "a",
    "beta.kmm.node.kubernetes.io/version-device-plugin.ns.other": "v1",
  });
  assert.deepEqual(node.metadata.annotations, { other: "b" });
  assert.equal(writes.length, 1);
  assert.match(writes[0] ?? "", /^patch node w1 --type=merge /);
});

test("a node that is gone leaves without a write", async (t) => {
  const { code, writes, stderr } = await unmark(t);
  assert.deepEqual([code, writes], [0, []]);
  assert.match(stderr, /w1: the node is gone/);
});

test("a node that another stack lists by now isn't touched", async (t) => {
  const { code, writes } = await unmark(t, { ...marked, labels: { "onload-kmm.io/stack": "dev" } });
  assert.deepEqual([code, writes], [0, []]);
});

test("a node that goes in this very moment leaves, too; any other refusal is an error", async (t) => {
  const fails = (stderr: string) => (cluster: FakeCluster) => cluster.fail("patch node", stderr);
  const gone = await unmark(t, marked, fails('Error from server (NotFound): nodes "w1" not found'));
  assert.equal(gone.code, 0);
  const refused = await unmark(t, marked, fails('Error from server (Forbidden): nodes "w1" is forbidden'));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is forbidden/);
});
