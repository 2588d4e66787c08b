/** The reboot of the enrolment, killed, failing, or coming out other than expected. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { start, type Victim } from "../running.ts";
import { nextRelease } from "../scene.ts";
import { Enrolling } from "./enrolling.ts";

describe("the reboot into MokManager", { concurrency: false }, () => {
  let nodes: Enrolling;

  before(async () => {
    // The second one is for KMM's pods: where the only node is cordoned, none of them finds a place.
    nodes = await Enrolling.start({ nodes: 2, mode: "console" });
    await nodes.recovers();
  });
  after(() => nodes.end());

  for (const [moment, when, victim] of [
    ["before", /worker-1: draining/, "power"],
    ["while it is planned", /worker-1: rebooting into MokManager/, "power"],
    ["while the script is at the console", /console: MokManager: choose `Continue`/, "step rollNode"],
    ["after", /worker-1: is back, key enrolled/, "power"],
  ] as [string, RegExp, Victim][]) {
    test(`SIGKILL ${moment}: the second \`up\` goes on, and the node has been rebooted once`, async () => {
      await nodes.renew("worker-1");
      const booted = await nodes.boots("worker-1");
      await nodes.scene.cut("up", when, victim);
      await nodes.assertCordoned("worker-1");
      await nodes.recovers();
      assert.equal((await nodes.boots("worker-1")) - booted, 1);
    });
  }

  for (const [what, name] of [
    ["a node that never comes back is given up in time; once fixed, the second `up` continues", "node.never-returns"],
    [
      "a boot ID that stays the same is no reboot; once it is right again the second `up` goes on",
      "node.boot-id-unchanged",
    ],
  ] as const) {
    test(what, async () => {
      await nodes.renew("worker-1");
      await nodes.limit({ timeoutMinutes: 0.5 });
      await nodes.scene.set({ [name]: "worker-1" });
      await nodes.fails(/timed out after 30 s waiting for worker-1 to come back: a new boot; the node stays cordoned/);
      await nodes.assertCordoned("worker-1");
      await nodes.limit({ timeoutMinutes: 15 });
      await nodes.scene.set({ [name]: null });
      await nodes.recovers();
    });
  }

  test("the API server away during the reboot, as on a single-node cluster: the same `up` waits, and ends", async () => {
    await nodes.renew("worker-1");
    const running = start(nodes.scene.stack, "up");
    assert.ok(await running.says(/worker-1: rebooting into MokManager/), running.output);
    await nodes.scene.stack.sandbox.kill("kube-apiserver");
    assert.ok(await running.says(/the API server is away/), running.output);
    await nodes.scene.until("the machine to be up", async () => (await nodes.machine("worker-1")).power === "running");
    await nodes.scene.stack.sandbox.start("kube-apiserver");
    const { exitCode, output } = await running.end();
    assert.equal(exitCode, 0, output);
    await nodes.scene.assertFull();
  });

  test("another kernel after the reboot, without an image yet: the second `up` builds for it, and loads", async () => {
    await nodes.renew("worker-1");
    await nodes.upgrade("worker-1", nextRelease);
    await nodes.fails(/worker-1 changed since this run began: kernel 5\.14\.0-570\.62\S+ instead of 5\.14\.0-570\.49/);
    await nodes.assertCordoned("worker-1");
    await nodes.recovers();
    await nodes.scene.assertRuns("worker-1", nextRelease.kernel);
  });
});
