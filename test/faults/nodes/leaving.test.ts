/** Nodes that leave: unloaded, uncordoned, without pending requests, and without the key where that is wanted. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { start } from "../running.ts";
import { marksOn } from "../scene.ts";
import { Enrolling } from "./enrolling.ts";

const all = ["worker-1", "worker-2", "worker-3"];

describe("nodes that leave", { concurrency: false }, () => {
  let nodes: Enrolling;

  before(async () => {
    nodes = await Enrolling.start({ nodes: 3, mode: "console", rollout: { maxParallel: 2 } });
    await nodes.recovers();
  });
  after(() => nodes.end());

  test("taken off the list: drained before it is unloaded, uncordoned, and its key stays", async () => {
    const { boots, output } = await leaves("worker-3");
    assert.equal(boots, 0);
    const said = ["cordoned", "draining", "KMM unloads the modules", "the kernel's own driver is back", "uncordoned"];
    const order = said.map((what) => output.indexOf(`worker-3: ${what}`));
    assert.ok(
      order.every((at, index) => at > (order[index - 1] ?? 0)),
      `${order.join()}\n${output}`,
    );
    assert.equal((await nodes.machine("worker-3")).firmware.mokList.length, 1);
  });

  test("removeOnDestroy with the script: one reboot deletes the key", async () => {
    await list(...all);
    await nodes.limit({ removeOnDestroy: true });
    await nodes.recovers();
    const { boots, output } = await leaves("worker-3");
    assert.equal(boots, 1);
    assert.match(output, /worker-3: console: MokManager: choose `Delete MOK`/);
    assert.deepEqual((await nodes.machine("worker-3")).firmware.mokList, []);
  });

  test("removeOnDestroy with a person: killed in the reboot, left alone, and done by the third run", async () => {
    await nodes.limit({ mode: "attended", timeoutMinutes: 0.5 });
    // What leaves goes by what was configured when it was there.
    await nodes.scene.again("up");
    await list("worker-1");
    const booted = await nodes.boots("worker-2");
    await nodes.scene.cut("up", /worker-2: rebooting into MokManager/, "power");
    await nodes.assertCordoned("worker-2");

    await nodes.scene.unlock("up");
    await nodes.fails(/timed out after 30 s waiting for worker-2 to come back: a new boot; the node stays cordoned/);
    await nodes.assertCordoned("worker-2");

    // Before the person comes: who is quicker than this run needs no word of it.
    const third = start(nodes.scene.stack, "up");
    const asked = await third.says(/MokManager waits on worker-2's console \(tcp:.*\): any key, "Delete MOK"/);
    assert.ok(asked, third.output);
    const person = nodes.attend(["worker-2"]);
    const { exitCode, output } = await third.end();
    await person.leave();
    assert.equal(exitCode, 0, output);
    await assertLeft("worker-2");
    assert.deepEqual((await nodes.machine("worker-2")).firmware.mokList, []);
    assert.equal((await nodes.boots("worker-2")) - booted, 1);
  });

  test("removeOnDestroy in operator mode: the request is left pending, and said; no reboot", async () => {
    await nodes.limit({ mode: "operator", timeoutMinutes: 15 });
    await nodes.scene.again("up");
    const booted = await nodes.boots("worker-1");
    const output = await nodes.scene.again("destroy");
    assert.match(
      output,
      /worker-1: MokManager will ask to delete the key at the next reboot \(`npm run mok-password`\)/,
    );
    assert.equal(await nodes.boots("worker-1"), booted);
    assert.equal((await nodes.machine("worker-1")).firmware.mokDel?.length, 1);
    await nodes.scene.assertGone();
  });

  test("a request that is pending when the node leaves is taken back", async () => {
    await list("worker-2");
    await nodes.scene.again("up");
    assert.equal((await nodes.machine("worker-2")).firmware.mokNew?.length, 1);
    await nodes.scene.again("destroy");
    const { mokNew, mokAuth } = (await nodes.machine("worker-2")).firmware;
    assert.deepEqual([mokNew, mokAuth], [null, null]);
    await nodes.scene.assertGone();
  });

  /** Which nodes the stack has. */
  let listed: { name: string }[] | undefined;
  function list(...names: readonly string[]): Promise<void> {
    return nodes.configure((config) => {
      listed ??= config["onload-kmm:nodes"] as { name: string }[];
      config["onload-kmm:nodes"] = listed.filter(({ name }) => names.includes(name));
    });
  }

  async function leaves(node: string): Promise<{ boots: number; output: string }> {
    const before = await nodes.boots(node);
    await list(...all.filter((name) => name !== node));
    const output = await nodes.scene.again("up");
    await assertLeft(node);
    return { boots: (await nodes.boots(node)) - before, output };
  }

  /** That nothing of ours, or of KMM for us, is on the node, and that it has its interfaces as before us. */
  async function assertLeft(node: string): Promise<void> {
    await nodes.assertCordoned();
    await nodes.scene.assertFull();
    assert.deepEqual(marksOn((await nodes.scene.get("node", node)) ?? assert.fail(node)), []);
    await nodes.scene.assertOwnDriver(node);
  }
});
