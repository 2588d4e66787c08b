/** `destroy` in every state: it never hangs, says what is left, and the next one finishes. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { namespace, Scene } from "../scene.ts";

describe("destroy in every state", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start({
      nodes: 1,
      configure: ({ config }) => (config["onload-kmm:rollout"] = { loadTimeoutMinutes: 1 }),
    });
  });
  after(() => scene.end());

  test("half-made, with a build that failed", async () => {
    await scene.set({ "build.fail": "onload-build" });
    assert.notEqual((await scene.stack.up()).exitCode, 0);
    await scene.set({ "build.fail": null });
    await scene.again("destroy");
    await scene.assertGone();
  });

  test("half-made, while a build still runs", async () => {
    await scene.set({ "build.hang": "onload-build" });
    await scene.cut("up", /onload-build-[\w-]+: Running/, "power");
    await scene.again("destroy");
    await scene.assertGone();
    await scene.set({ "build.hang": null });
  });

  test("half-made, while a signature still runs: no other build is started for it", async () => {
    await scene.set({ "build.hang": "onload-sign" });
    await scene.cut("up", /onload-sign-[\w-]+: Running/, "power");
    const before = await scene.buildsMade();
    await scene.again("destroy");
    await scene.assertGone();
    assert.equal(await scene.buildsMade(), before);
    await scene.set({ "build.hang": null });
  });

  test("a dead node leaves in time, what keeps the Module is named, and the node's next boot frees it", async () => {
    await scene.again("up");
    await scene.assertFull();
    await scene.kill("worker-1");
    const began = Date.now();
    const { exitCode, output } = await scene.stack.destroy();
    // A drain alone would wait for a quarter of an hour; all else may be slow.
    assert.ok(Date.now() - began < 14 * 60_000);
    assert.notEqual(exitCode, 0);
    assert.match(output, /worker-1: isn't Ready and leaves as it is/);
    assert.match(
      output,
      /timed out after 60 s waiting for the Module onload-kmm\/onload to be loaded nowhere: KMM has it loaded on worker-1 \(not Ready\)/,
    );
    assert.match(output, /boot it, or, if the machine is gone for good, delete its Node/);

    await scene.revive("worker-1");
    await scene.again("destroy");
    await scene.assertGone();
  });

  test("modules in use: it gives up in time, names the worker pod, and the second one ends", async () => {
    await scene.again("up");
    await scene.assertFull();
    await scene.set({ "node.in-use": "worker-1" });
    const { exitCode, output } = await scene.stack.destroy();
    assert.notEqual(exitCode, 0);
    assert.match(output, /look at pod kmm-worker-worker-1-onload in onload-kmm: something may still use the modules/);
    assert.match(output, /kmm-worker-worker-1-onload failed .* to unload: .*it said last: .*Module onload is in use/);
    assert.notEqual(await scene.get("modules.kmm.sigs.x-k8s.io", "onload", "-n", namespace), undefined);

    await scene.set({ "node.in-use": null });
    await scene.again("destroy");
    await scene.assertGone();
  });

  test("the namespace is being deleted by somebody else: preview says so, destroy ends in time, and a reboot frees it", async () => {
    await scene.again("up");
    await scene.set({ "node.in-use": "worker-1" });
    // KMM's guard goes with the last Module's deletion; only then does the API server take this.
    await scene.kubectl("-n", namespace, "delete", "modules.kmm.sigs.x-k8s.io", "onload", "--wait=false");
    await scene.until("the namespace to be deleted", async () => {
      await scene.kubectl("delete", "namespace", namespace, "--wait=false").catch(() => undefined);
      return (await scene.get("namespace", namespace))?.metadata.deletionTimestamp !== undefined;
    });
    const worker = ["pod", "kmm-worker-worker-1-onload", "-n", namespace];
    await scene.until("the unloader to go with it", async () => (await scene.get(...worker)) === undefined);
    await scene.set({ "node.in-use": null });
    const preview = await scene.stack.preview();
    assert.match(preview.output, /namespace onload-kmm is being deleted; wait until it is gone/);

    const { exitCode, output } = await scene.stack.destroy();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /timed out after 60 s waiting for worker-1 to unload the modules: .*reboot the node, and run again/,
    );
    // The one way out that KMM leaves.
    await scene.reboot("worker-1");
    await scene.again("destroy");
    await scene.assertGone();
  });
});
