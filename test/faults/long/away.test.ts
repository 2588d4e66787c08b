/** An API server that is away for a minute, as a single-node cluster's is at each reboot, at every stage. */
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { start } from "../running.ts";
import { Scene } from "../scene.ts";

describe("an API server that is away for a minute", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start();
  });
  after(() => scene.end());

  /** Runs the command to its end, the API server away for a minute from `when` on; then the same command again. */
  async function without(verb: "up" | "destroy", when: RegExp, ...args: string[]): Promise<string> {
    const running = start(scene.stack, verb, ...args);
    assert.ok(await running.says(when), running.output);
    await scene.stack.sandbox.kill("kube-apiserver");
    await sleep(60_000);
    await scene.stack.sandbox.start("kube-apiserver");
    await scene.set({ "build.hang": null });
    await running.end();
    await scene.again(verb, ...args);
    return running.output;
  }

  test("while the kernel modules are built: waited for", async () => {
    await scene.set({ "build.hang": "onload-build" });
    assert.match(await without("up", /onload-build-[\w-]+: Running/), /the API server is away/);
    await scene.assertFull();
  });

  test("while a node is drained and reloaded: waited for, and the second `up` at the latest ends well", async () => {
    const rebuild = ["--config", "onload-kmm:rebuild=1"];
    assert.match(await without("up", /worker-1: draining/, ...rebuild), /the API server is away/);
    await scene.assertFull();
  });

  test("while a node leaves: the second destroy at the latest leaves nothing", async () => {
    assert.match(await without("destroy", /worker-1: KMM unloads/), /the API server is away/);
    await scene.assertGone();
  });
});
