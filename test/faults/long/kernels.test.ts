/** Kernels that change under the program, and those with a plus sign. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { kmm } from "../../../core/names.ts";
import { start } from "../running.ts";
import { namespace, nextRelease, Scene } from "../scene.ts";
import { WaysOn } from "../waysOn.ts";

const realTime = {
  kernel: "5.14.0-570.49.1.el9_6.x86_64+rt",
  osImage: "Red Hat Enterprise Linux CoreOS 9.6.20251015-1 (Plow)",
};

describe("kernels", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start({ nodes: 2 });
    await scene.again("up");
  });
  after(() => scene.end());

  /** How many modules KMM shall load on worker-1. */
  async function asked(): Promise<number> {
    const nmc = await scene.get("nodemodulesconfigs.kmm.sigs.x-k8s.io", "worker-1");
    return ((nmc?.spec?.["modules"] ?? []) as unknown[]).length;
  }

  test("a node that boots into a kernel without an image is built for by the next `up`, drained, and loads", async () => {
    await scene.reboot("worker-1", nextRelease);
    await scene.until(
      "KMM to ask for nothing on a kernel that the Module has no mapping for",
      async () => (await asked()) === 0,
    );
    const made = await scene.buildsMade();
    const { output } = await scene.stack.preview();
    assert.match(output, /worker-1: .*; will load \S+-5\.14\.0-570\.62\.1\S+/);
    assert.equal(await scene.buildsMade(), made, "KMM builds nothing that nobody follows");
    const ways = new WaysOn(scene);
    await ways.keepBusy("worker-1");
    const running = start(scene.stack, "up");
    assert.ok(await running.says(/worker-1: draining/), running.output);
    assert.equal(await asked(), 0, "its image is there, but what runs on the node keeps its driver until it is gone");
    await ways.free();
    await running.end();
    await scene.assertFull();
    await scene.assertRuns("worker-1", nextRelease.kernel);
  });

  test("a kernel that changes in the middle of a roll-out: the second `up` ends in the full state", async () => {
    const running = start(scene.stack, "up", "--config", "onload-kmm:rebuild=1");
    assert.ok(await running.says(/worker-1: cordoned/), running.output);
    await scene.reboot("worker-2", nextRelease);
    await running.end();
    await scene.again("up", "--config", "onload-kmm:rebuild=1");
    await scene.assertFull();
    await scene.assertRuns("worker-2", nextRelease.kernel);
  });

  test("a node that boots a real-time kernel between two `up`s: KMM builds nothing for it by itself", async () => {
    const made = await scene.buildsMade();
    await scene.reboot("worker-1", realTime);
    // As a change of taints or labels does, which makes KMM look at the Module and all of its nodes.
    await scene.kubectl("label", "node", "worker-1", "example.com/seen=yes");
    await scene.until("KMM to ask for nothing there", async () => (await asked()) === 0);
    assert.equal(await scene.buildsMade(), made);
  });

  test("a real-time kernel with a plus sign gets an image of its own, signed", async () => {
    await scene.again("up");
    await scene.assertFull();
    await scene.assertRuns("worker-1", realTime.kernel);
  });

  test("a dead node that is taken off the list leaves in time, and forgets the modules when it boots", async () => {
    const config = await scene.stack.config();
    const nodes = config.config["onload-kmm:nodes"] as { name: string }[];
    await scene.kill("worker-1");
    await scene.stack.configure({ ...config, config: { ...config.config, "onload-kmm:nodes": nodes.slice(1) } });
    const began = Date.now();
    const output = await scene.again("up");
    // A drain alone would wait for a quarter of an hour; all else may be slow.
    assert.ok(Date.now() - began < 14 * 60_000);
    assert.match(output, /worker-1: isn't Ready and leaves as it is/);
    await scene.assertFull();

    await scene.revive("worker-1");
    await scene.until("KMM to forget the node", async () => {
      const { metadata } = (await scene.get("node", "worker-1")) ?? assert.fail();
      return !(kmm.readyLabel(namespace, "onload") in (metadata.labels ?? {}));
    });
  });
});
