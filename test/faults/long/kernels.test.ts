/** Kernels that change under the program, and those with a plus sign. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { start } from "../running.ts";
import { Scene } from "../scene.ts";

/** The next release's kernel, and the OS version by which KMM finds its Driver Toolkit. */
const next = {
  kernel: "5.14.0-570.62.1.el9_6.x86_64",
  osImage: "Red Hat Enterprise Linux CoreOS 9.6.20251103-0 (Plow)",
};
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

  test("a node that boots into a kernel without an image is built for by the next `up`, and loads", async () => {
    await scene.reboot("worker-1", next);
    await scene.again("up");
    await scene.assertFull();
    await scene.assertRuns("worker-1", next.kernel);
  });

  test("a kernel that changes in the middle of a roll-out: the second `up` ends in the full state", async () => {
    const running = start(scene.stack, "up", "--config", "onload-kmm:rebuild=1");
    assert.ok(await running.says(/worker-1: cordoned/), running.output);
    await scene.reboot("worker-2", next);
    await running.end();
    await scene.again("up", "--config", "onload-kmm:rebuild=1");
    await scene.assertFull();
    await scene.assertRuns("worker-2", next.kernel);
  });

  test("a real-time kernel with a plus sign gets an image of its own, signed", async () => {
    await scene.reboot("worker-1", realTime);
    await scene.again("up");
    await scene.assertFull();
    await scene.assertRuns("worker-1", realTime.kernel);
  });
});
