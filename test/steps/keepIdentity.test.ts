import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { FakeCluster } from "./fakeCluster.ts";

/** Runs the step as a stack that answered `before` last time. */
async function keep(t: TestContext, change: object, before?: object) {
  const cluster = new FakeCluster(t);
  const answer = JSON.stringify({ stack: "prod", namespace: "onload-kmm", cluster: cluster.access.id, ...before });
  if (before !== undefined) process.env["PULUMI_COMMAND_STDOUT"] = answer;
  t.after(() => Reflect.deleteProperty(process.env, "PULUMI_COMMAND_STDOUT"));
  const input = { stack: "prod", namespace: "onload-kmm", cluster: cluster.access, ...change };
  return { ...(await cluster.step("keepIdentity", input)), answer };
}

test("a new stack is what it says it is", async (t) => {
  const { code, stdout, answer } = await keep(t, {});
  assert.deepEqual([code, stdout], [0, answer]);
});

test("another path of the kubeconfig is no other cluster", async (t) => {
  const { code, stdout, answer } = await keep(t, {}, {});
  assert.deepEqual([code, stdout], [0, answer]);
});

for (const [part, before, after] of [
  ["stack", { stack: "old" }, "prod"],
  ["namespace", { namespace: "old" }, "onload-kmm"],
  ["cluster", { cluster: "old" }, "7d1f3c52-"],
] as const) {
  test(`a stack whose ${part} was changed is refused, with both`, async (t) => {
    const { code, stdout, stderr } = await keep(t, {}, before);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, new RegExp(`: its ${part} was old and is ${after}\\S* now; nothing was changed`));
  });
}

test("on another cluster than it says it is refused, too", async (t) => {
  const cluster = new FakeCluster(t);
  const access = { ...cluster.access, id: "another" };
  const { code, stderr } = await cluster.step("keepIdentity", { stack: "prod", namespace: "ns", cluster: access });
  assert.equal(code, 1);
  assert.match(stderr, /^wrong cluster/);
});
