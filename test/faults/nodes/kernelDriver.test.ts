/** A node that leaves gets the kernel's own driver back before it serves again, whatever fails; and no Node is ever made. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { annotations, kmm, labels } from "../../../core/names.ts";
import { parseRollState } from "../../../core/node/rollState.ts";
import { liveInterfaces } from "@onload-kmm/sandbox/nodes/tools/inspect";
import { writesBy } from "../../stack/cluster.ts";
import { marksOn, namespace, Scene } from "../scene.ts";

describe("the kernel's own driver of nodes that leave", { concurrency: false }, () => {
  let scene: Scene;
  let listed: { name: string }[];

  before(async () => {
    scene = await Scene.start({
      nodes: 3,
      configure: ({ config }) => (config["onload-kmm:rollout"] = { loadTimeoutMinutes: 1, maxParallel: 3 }),
    });
    listed = (await scene.stack.config()).config["onload-kmm:nodes"] as { name: string }[];
    await scene.again("up");
    await scene.assertFull();
  });
  after(() => scene.end());

  test("one that doesn't come keeps the node cordoned in each run, although KMM is done; a reboot ends it", async () => {
    await scene.set({ "node.driver-fails": "worker-2" });
    await list("worker-1", "worker-3");
    const reason =
      /timed out after 60 s waiting for worker-2 to run the kernel's own driver: 2 of 2 Solarflare ports have no driver; worker-2: driver\.sh failed .*Cannot allocate memory; the node stays cordoned: reboot it/;
    for (const run of ["first", "second"]) {
      await fails(reason);
      await assertBare("worker-2", run);
    }
    await scene.reboot("worker-2");
    const output = await scene.again("up");
    await scene.set({ "node.driver-fails": null });
    assert.match(output, /worker-2: the kernel's own driver is back/);
    await assertLeft("worker-2");
  });

  test("listed again, the node gets its marks and its modules again", async () => {
    await list("worker-1", "worker-2", "worker-3");
    await scene.again("up");
    await scene.assertFull();
    assert.equal((await scene.get("node", "worker-2"))?.metadata.labels?.[labels.stack], "dev");
  });

  test("killed between the unload and the driver: the next run finds what KMM doesn't tell", async () => {
    await scene.set({ "node.driver-fails": "worker-2" });
    await list("worker-1", "worker-3");
    await scene.cut("up", /waiting for worker-2 to run the kernel's own driver/, "power");
    await scene.set({ "node.driver-fails": null });
    await assertBare("worker-2", "killed");
    assert.match(await scene.again("up"), /worker-2: the kernel's own driver is back/);
    await assertLeft("worker-2");
  });

  test("a Ready node that refuses SSH stays cordoned; after a boot it leaves, and its cordon is its operator's", async () => {
    await scene.set({ "ssh.refuse": "worker-3" });
    await list("worker-1");
    await fails(
      /timed out after 60 s waiting for worker-3 to run the kernel's own driver: .*no SSH connection .*stays cordoned: reboot it/,
    );
    await assertBare("worker-3", "no SSH");
    await scene.reboot("worker-3");
    const output = await scene.again("up");
    assert.match(output, /worker-3: stays cordoned: .*no SSH connection.*; fix it, then uncordon worker-3/);
    await scene.set({ "ssh.refuse": null });
    await scene.assertOwnDriver("worker-3");
    const node = (await scene.get("node", "worker-3")) ?? assert.fail();
    assert.deepEqual([marksOn(node), node.spec?.["unschedulable"]], [[], true]);
    await scene.kubectl("uncordon", "worker-3");
  });

  test("a Node that is gone, held or not, leaves without a write to it, and none is created in its place", async () => {
    await list("worker-1", "worker-2", { ...named("worker-3"), hold: true });
    await scene.again("up");
    for (const node of ["worker-2", "worker-3"]) await scene.loseNode(node);
    await list("worker-1");
    const before = (await scene.stack.sandbox.auditLog()).length;
    const output = await scene.again("up");
    for (const node of ["worker-2", "worker-3"]) {
      assert.match(output, new RegExp(`${node}: the node is gone; nothing to unload`));
      assert.equal(await scene.get("node", node), undefined);
    }
    // The namespace's settings tell which nodes are listed.
    const settings = { verb: "patch", resource: "namespaces", namespace, name: namespace };
    assert.deepEqual(writesBy("admin", (await scene.stack.sandbox.auditLog()).slice(before)), [settings]);
    await scene.assertFull();
  });

  test("a node from which KMM took the modules by itself has its driver again after destroy", async () => {
    await scene.kubectl("-n", namespace, "delete", "modules.kmm.sigs.x-k8s.io", "onload");
    assert.equal(await interfaces("worker-1"), 1);
    await scene.again("destroy");
    await scene.assertGone();
    await assertLeft("worker-1");
  });

  const named = (name: string): { name: string } => listed.find((each) => each.name === name) ?? assert.fail(name);

  /** Which nodes the stack has: by name, or with other settings. */
  async function list(...nodes: readonly (string | { name: string; hold?: boolean })[]): Promise<void> {
    const config = await scene.stack.config();
    config.config["onload-kmm:nodes"] = nodes.map((each) => (typeof each === "string" ? named(each) : each));
    await scene.stack.configure(config);
  }

  async function fails(reason: RegExp): Promise<void> {
    const { exitCode, output } = await scene.stack.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, reason);
  }

  const interfaces = async (node: string): Promise<number> => liveInterfaces(await scene.machine(node)).length;

  /** That the node is unloaded, without its Solarflare interfaces, and out of service. */
  async function assertBare(node: string, when: string): Promise<void> {
    const { metadata, spec } = (await scene.get("node", node)) ?? assert.fail(node);
    assert.equal(await interfaces(node), 1, when);
    assert.equal(metadata.labels?.[kmm.readyLabel(namespace, "onload")], undefined, when);
    assert.equal(spec?.["unschedulable"], true, when);
    assert.equal(parseRollState(metadata.annotations?.[annotations.roll])?.phase, "leave", when);
  }

  /** That nothing of ours is on the node, and that it serves with all of its interfaces. */
  async function assertLeft(node: string): Promise<void> {
    const object = (await scene.get("node", node)) ?? assert.fail(node);
    assert.deepEqual([marksOn(object), object.spec?.["unschedulable"]], [[], undefined]);
    await scene.assertOwnDriver(node);
  }
});
