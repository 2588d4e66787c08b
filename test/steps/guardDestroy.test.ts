import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeCluster } from "./fakeCluster.ts";

test("the stack's own cluster is let through", async (t) => {
  const cluster = new FakeCluster(t);
  const { code, stdout, stderr } = await cluster.step("guardDestroy", { cluster: cluster.access });
  assert.deepEqual([code, stdout], [0, "{}"]);
  assert.match(stderr, /this is the stack's own cluster, 7d1f3c52-/);
});

test("on another cluster destroy ends here, and nothing was asked but who it is", async (t) => {
  const cluster = new FakeCluster(t);
  const access = { ...cluster.access, id: "00000000-0000-4000-8000-000000000000" };
  const { code, stdout, stderr } = await cluster.step("guardDestroy", { cluster: access });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^wrong cluster: context "fake".*nothing was changed/);
  assert.doesNotMatch(stderr, /\n {4}at /);
  assert.equal(cluster.calls.length, 1);
});

test("a key that is protected keeps everything from being deleted, with the way to go on", async (t) => {
  const cluster = new FakeCluster(t);
  const { code, stdout, stderr } = await cluster.step("guardDestroy", {
    cluster: cluster.access,
    keyIsProtected: true,
  });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /signing\.protect is true: the signing key must not be deleted; nothing was deleted/);
  assert.match(stderr, /`pulumi config set --path onload-kmm:signing\.protect false`, `pulumi up`, and then/);
  assert.doesNotMatch(stderr, /\n {4}at /);
});

test("a key that isn't protected may go", async (t) => {
  const cluster = new FakeCluster(t);
  const { code } = await cluster.step("guardDestroy", { cluster: cluster.access, keyIsProtected: false });
  assert.equal(code, 0);
});

test("with an expired token destroy ends here, too", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.fail("get namespace", "error: You must be logged in to the server (Unauthorized)");
  const { code, stderr } = await cluster.step("guardDestroy", { cluster: cluster.access });
  assert.equal(code, 1);
  assert.match(stderr, /^kubectl get namespace kube-system.*: error: You must be logged in/);
});
