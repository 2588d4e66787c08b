/** A roll-out that fails on a node, and what the next `up` does: back to the old configuration, or on to a newer one. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { marksOn, Scene } from "./scene.ts";
import { rebuild, WaysOn } from "./waysOn.ts";

describe("after a roll-out that failed", { concurrency: false }, () => {
  let scene: Scene;
  let ways: WaysOn;

  before(async () => {
    scene = await Scene.start({ nodes: 2 });
    ways = new WaysOn(scene);
    await ways.ends();
  });
  after(() => scene.end());

  test("a rebuild that fails on a node, set back: the node is in service again on the old image", async () => {
    const old = await ways.image();
    await scene.set({ "pull.fail": "onload-kmod" });
    await ways.fails(/worker-1: .*The node stays cordoned/, ...rebuild(1));
    await ways.assertCordoned("worker-1");
    await scene.set({ "pull.fail": null });

    const output = await ways.ends(...rebuild(0));
    assert.match(output, /worker-1: out of service since \S+ by a roll-out of version \w+ that didn't end; will load/);
    assert.equal(await ways.image(), old);
  });

  test("a roll-out that fails at the second node, and a newer one: who is out goes first", async () => {
    await ways.configure("onload-kmm:rollout", { drainTimeoutMinutes: 0.5 });
    await ways.keepBusy("worker-2");
    await ways.fails(/worker-2: draining failed and the node stays cordoned/, ...rebuild(3));
    await ways.free();
    await ways.assertCordoned("worker-2");

    await ways.configure("onload-kmm:rollout", {});
    const output = await ways.ends(...rebuild(4));
    const [second, first] = ["worker-2: proven", "worker-1: cordoned"].map((what) => output.indexOf(what));
    assert.ok(second !== undefined && first !== undefined && second > 0 && second < first, output);
  });

  test("a node that is out, taken off the list: the others are rolled all the same, and it leaves in service", async () => {
    await scene.set({ "pull.fail": "onload-kmod" });
    await ways.fails(/worker-1: .*The node stays cordoned/, ...rebuild(5));
    await scene.set({ "pull.fail": null });
    const { config } = await scene.stack.config();
    const listed = config["onload-kmm:nodes"] as { name: string }[];
    await ways.configure(
      "onload-kmm:nodes",
      listed.filter(({ name }) => name !== "worker-1"),
    );

    await ways.ends(...rebuild(6));
    await scene.assertOwnDriver("worker-1");
    const left = (await scene.get("node", "worker-1")) ?? assert.fail();
    assert.deepEqual([marksOn(left), left.spec?.["unschedulable"]], [[], undefined]);
  });
});
