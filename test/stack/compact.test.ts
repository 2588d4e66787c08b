/** A compact cluster: three nodes, each of them control plane and worker. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Scene } from "../faults/scene.ts";
import { mostOut, outages } from "./outages.ts";

const nodes = ["node-1", "node-2", "node-3"];

describe("a compact three-node cluster", { concurrency: false }, () => {
  let scene: Scene;
  /** Where the audit log was when the new cluster's nodes were all Ready. */
  let begun = 0;

  before(async () => {
    scene = await Scene.start({
      nodes: 3,
      compact: true,
      secureBoot: true,
      configure: ({ config }) => {
        config["onload-kmm:rollout"] = { maxParallel: 3 };
      },
    });
  });
  after(() => scene.end());

  test("`up` reboots one node at a time, whatever `maxParallel` allows, and etcd's guards let it", async () => {
    await guarded();
    begun = (await scene.stack.sandbox.auditLog()).length;
    const before = await Promise.all(nodes.map(async (node) => (await scene.nodeInfo(node)).bootID));
    const output = await scene.again("up");
    await scene.assertFull();
    const after = await Promise.all(nodes.map(async (node) => (await scene.nodeInfo(node)).bootID));
    assert.ok(after.every((bootId, index) => bootId !== before[index]));
    await assertOneAtATime();
    assert.doesNotMatch(output, /the API server is away/, "two of three are always there");
    assert.doesNotMatch(
      output,
      /stays in place, because this roll-out needs it/,
      "KMM and the registry went to another node",
    );
    await guarded();
  });

  test("a rebuild reloads them one at a time", async () => {
    await scene.again("up", "--config", "onload-kmm:rebuild=1");
    await scene.assertFull();
    await assertOneAtATime();
  });

  test("`destroy` has them all leave, one at a time", async () => {
    await scene.again("destroy");
    await scene.assertGone();
    await assertOneAtATime();
    for (const node of nodes) await scene.assertOwnDriver(node);
  });

  async function assertOneAtATime(): Promise<void> {
    const changes = outages((await scene.stack.sandbox.auditLog()).slice(begun), nodes);
    assert.ok(changes.length >= 2 * nodes.length);
    assert.equal(mostOut(changes), 1, JSON.stringify(changes));
  }

  /** Waits until each node has its guard, and the budget counts them all. */
  async function guarded(): Promise<void> {
    await scene.until("etcd's guards", async () => {
      const budget = await scene.get("poddisruptionbudget", "etcd-guard-pdb", "-n", "openshift-etcd");
      return budget?.status?.["currentHealthy"] === 3 && budget.status["desiredHealthy"] === 2;
    });
  }
});
