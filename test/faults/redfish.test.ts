/** Enrolment through a BMC that is busy, or gone, and a bastion that dies at each of its acts. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { annotations } from "../../core/names.ts";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import { throughBmcs } from "../stack/bmcs.ts";
import { Scene } from "./scene.ts";

describe("enrolment through a BMC", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start({ nodes: 1, secureBoot: true });
    await throughBmcs(scene.stack);
  });
  after(() => scene.end());

  test("a BMC that is busy is waited for, with the node in service; a kill then leaves it untouched", async () => {
    await scene.set({ "bmc.busy": "worker-1" });
    await scene.cut("up", /waiting for the BMC of worker-1: HTTP 503/, "power");
    await scene.assertNodesUntouched();
    await scene.set({ "bmc.busy": null });
  });

  test("a kill once the BMC was given the certificate, and another once the node reboots", async () => {
    await scene.unlock("up");
    await scene.cut("up", /worker-1: its BMC was given the certificate/, "power");
    assert.equal((await firmware()).mokNew, null);
    await scene.unlock("up");
    await scene.cut("up", /worker-1: rebooting/, "step rollNode");
    const { phase } = JSON.parse((await rollAnnotation()) ?? "{}") as { phase?: string };
    assert.equal(phase, "reboot");
  });

  test("up goes on, and the node trusts the key by its db, once", async () => {
    await scene.again("up");
    await scene.assertFull();
    const { db, mokList } = await firmware();
    assert.deepEqual([db.length, mokList], [1, []]);
  });

  test("a node whose BMC is away leaves all the same, and is told that it goes on trusting the key", async () => {
    await scene.set({ "bmc.busy": "worker-1" });
    const config = await scene.stack.config();
    const enrolment = config.config["onload-kmm:enrolment"] as object;
    config.config["onload-kmm:enrolment"] = { ...enrolment, removeOnDestroy: true };
    await scene.stack.configure(config);
    await scene.again("up");
    const { exitCode, output } = await scene.stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.match(output, /worker-1: still trusts the certificate; remove it from db by hand: .*HTTP 503/);
    await scene.assertGone();
  });

  async function firmware() {
    const machine = (await controlNode(scene.stack.sandbox.dir, "worker-1", "state")) ?? assert.fail("no machine");
    return machine.firmware;
  }

  async function rollAnnotation(): Promise<string | undefined> {
    return (await scene.get("node", "worker-1"))?.metadata.annotations?.[annotations.roll];
  }
});
