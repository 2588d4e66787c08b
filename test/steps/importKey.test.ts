import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { RollState } from "../../core/node/rollState.ts";
import { FakeNode } from "../assets/node/fakeNode.ts";
import { FakeCluster } from "./fakeCluster.ts";
import { anotherKey, startNode } from "./node/sshNode.ts";

const body = Buffer.from("a certificate").toString("base64");
const passwordHash = `$2a$10$${"x".repeat(53)}`;
const nodeInfo = { bootID: "boot-1", kernelVersion: "5.14.0", machineID: "m", systemUUID: "s" };

/** A cluster with one node, the machine under it, and what the step is given about both. */
async function scene(t: TestContext) {
  const cluster = new FakeCluster(t);
  cluster.put({ kind: "Node", metadata: { name: "worker-1" }, status: { nodeInfo } });
  const node = new FakeNode();
  t.after(() => node.remove());
  const { host, target } = await startNode(t, node.environment);
  const input = {
    cluster: cluster.access,
    stack: "prod",
    node: { name: "worker-1", uid: "uid-worker-1", machineId: "m", systemUuid: "s" },
    ssh: target,
    certificate: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    passwordHash,
  };
  const roll = (phase: RollState["phase"], stack = "prod") =>
    cluster.change("Node", "worker-1", ({ metadata }) => {
      const state: RollState = { phase, stack, bootId: "boot-1", since: "2026-11-25T14:02:00Z" };
      metadata.annotations = { "onload-kmm.io/roll": JSON.stringify(state) };
    });
  return { cluster, node, host, input, roll };
}

const imports = (node: FakeNode): string[] => node.calls.filter((call) => call.startsWith("--import"));

test("the node is asked for the key, and nothing stays on it", async (t) => {
  const { cluster, node, input } = await scene(t);
  const { code, stdout, stderr } = await cluster.step("importKey", input);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { node: "worker-1", key: "pending" });
  assert.match(stderr, /worker-1: key pending, MokManager asks for it at the next boot/);
  assert.deepEqual(imports(node), ["--import key.der --hash-file hash"]);
  assert.ok(node.calls.includes("60"), "the whole hash, and no newline");
  assert.deepEqual(node.memory, [".keep"]);
  assert.ok(!(stdout + stderr).includes(passwordHash));
});

for (const key of ["pending", "enrolled", "in-kernel"]) {
  test(`a key that is ${key} is left as it is`, async (t) => {
    const { cluster, node, input } = await scene(t);
    node.set(key);
    const { code, stdout, stderr } = await cluster.step("importKey", input);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { node: "worker-1", key });
    assert.deepEqual([imports(node), node.calls.includes("--revoke-import")], [[], false]);
  });
}

test("during a reboot of ours nothing logs in to the node: it may be waiting in MokManager", async (t) => {
  const { cluster, node, host, input, roll } = await scene(t);
  roll("reboot");
  await host.stop();
  const { code, stdout, stderr } = await cluster.step("importKey", input);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { node: "worker-1", key: null });
  assert.match(
    stderr,
    /^\d\d:\d\d worker-1: an earlier run is rebooting it; the roll-out requests the enrolment[^\n]*\n$/,
  );
  assert.deepEqual([host.connections(), node.calls], [0, []]);
});

test("in every other phase, and in another stack's reboot, the node is asked", async (t) => {
  const { cluster, node, input, roll } = await scene(t);
  for (const [phase, stack] of [
    ["drain", "prod"],
    ["load", "prod"],
    ["leave", "prod"],
    ["remove", "prod"],
    ["reboot", "dev"],
  ] as const) {
    roll(phase, stack);
    node.set("not-enrolled");
    const { code, stdout, stderr } = await cluster.step("importKey", input);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { node: "worker-1", key: "pending" }, `${phase} of ${stack}`);
  }
  assert.equal(imports(node).length, 5);
});

test("a node that is away ends the step, with its address", async (t) => {
  const { cluster, host, input } = await scene(t);
  await host.stop();
  const { code, stderr } = await cluster.step("importKey", input);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^\S+: 127\.0\.0\.1:\d+: no SSH connection \(connect ECONNREFUSED [^)]*\) \[OKMM-SSH-AWAY\]\nsee docs\/runbook\.md#okmm-ssh-away\n$/,
  );
});

test("a node with another host key is sent nothing", async (t) => {
  const { cluster, node, input } = await scene(t);
  const hostKey = anotherKey().public.split(" ").slice(0, 2).join(" ");
  const { code, stderr } = await cluster.step("importKey", { ...input, ssh: { ...input.ssh, hostKey } });
  assert.equal(code, 1);
  assert.match(stderr, /its SSH host key is not the configured ssh-ed25519 one; nothing was sent to it/);
  assert.deepEqual(node.calls, []);
});

test("another machine than the one that preview saw isn't asked; another kernel on it is no other machine", async (t) => {
  const { cluster, node, input } = await scene(t);
  const reinstalled = { ...input, node: { ...input.node, machineId: "n" } };
  const refused = await cluster.step("importKey", reinstalled);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /worker-1 changed since this run began: machine ID m instead of n/);
  assert.deepEqual(node.calls, []);

  cluster.change("Node", "worker-1", (object) => {
    object["status"] = { nodeInfo: { ...nodeInfo, kernelVersion: "6.12.0" } };
  });
  assert.equal((await cluster.step("importKey", input)).code, 0);
});

test("on another cluster nothing is asked of anybody", async (t) => {
  const { cluster, node, input } = await scene(t);
  const elsewhere = { ...input.cluster, id: "00000000-0000-4000-8000-000000000000" };
  const { code, stderr } = await cluster.step("importKey", { ...input, cluster: elsewhere });
  assert.equal(code, 1);
  assert.match(stderr, /^wrong cluster: /);
  assert.deepEqual(node.calls, []);
});
