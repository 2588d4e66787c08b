/** The image for a kernel that an upgrade will bring: built and signed before any node boots it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { kernelModules } from "../../core/names.ts";
import { driverToolkit, nextRelease, Scene } from "./scene.ts";
import { WaysOn } from "./waysOn.ts";

const preflights = "preflightvalidationsocp.kmm.sigs.x-k8s.io";

describe("the next kernel", { concurrency: false }, () => {
  let scene: Scene;
  let ways: WaysOn;

  before(async () => {
    // The second one is for KMM's pods.
    scene = await Scene.start({ nodes: 2 });
    ways = new WaysOn(scene);
    await ways.ends();
  });
  after(() => scene.end());

  test("somebody else's preflight is named, and left alone", async () => {
    await ways.configure("onload-kmm:build", { nextKernels: [{ kernel: nextRelease.kernel, driverToolkit }] });
    const other = { name: "theirs" };
    const spec = { kernelVersion: "5.14.0-999.el9.x86_64", pushBuiltImage: true };
    const object = { apiVersion: "kmm.sigs.x-k8s.io/v1beta2", kind: "PreflightValidationOCP", metadata: other, spec };
    await scene.stack.sandbox.kubectl(["create", "-f", "-"], JSON.stringify(object));
    await ways.fails(/KMM validates one kernel at a time, and theirs is there/);
    assert.deepEqual(await names(), ["theirs"]);
    await scene.kubectl("delete", preflights, "theirs");
  });

  test("a signature that fails is told with its log's end, and KMM's rounds end", async () => {
    await scene.set({ "sign.fail": "onload-preflight-sign|onload-sign" });
    await ways.fails(/signing the kernel modules for 5\.14\S+570\.62\S+ failed[^]*No node was touched/);
    await scene.set({ "sign.fail": null });
    assert.deepEqual(await names(), []);
    const made = await scene.buildsMade();
    await scene.kubectl("label", "node", "worker-1", "example.com/seen=yes");
    assert.equal(await scene.buildsMade(), made);
  });

  test("it is built and signed, no node is touched, and nothing of the preflight is left", async () => {
    const boots = await Promise.all(["worker-1", "worker-2"].map((node) => scene.nodeInfo(node)));
    const output = await ways.ends();
    assert.match(output, /kernel 5\.14\.0-570\.62\S+: the image is there and signed; nodes may be upgraded to it/);
    assert.doesNotMatch(output, /cordoned/);
    const { nextKernels } = (await scene.stack.outputs()) as { nextKernels: { image: string; digest: string }[] };
    const [next = assert.fail()] = nextKernels;
    assert.ok(next.image.endsWith(`-${nextRelease.kernel}`));
    assert.match(next.digest, /^sha256:/);
    assert.deepEqual(await names(), []);
    assert.deepEqual(await Promise.all(["worker-1", "worker-2"].map((node) => scene.nodeInfo(node))), boots);
  });

  test("a node that boots it is loaded by KMM alone, and the next `up` proves it without a build", async () => {
    const made = await scene.buildsMade();
    await scene.reboot("worker-1", nextRelease);
    await scene.until("KMM to load the image for that kernel", async () => {
      const nmc = await scene.get("nodemodulesconfigs.kmm.sigs.x-k8s.io", "worker-1");
      const modules = (nmc?.status?.["modules"] ?? []) as { config: { containerImage: string } }[];
      const live = (await scene.machine("worker-1")).modules.filter(({ outOfTree }) => outOfTree);
      return (
        modules[0]?.config.containerImage.endsWith(nextRelease.kernel) === true && live.length === kernelModules.length
      );
    });
    await ways.configure("onload-kmm:build", {});
    await ways.ends();
    await scene.assertRuns("worker-1", nextRelease.kernel);
    assert.equal(await scene.buildsMade(), made);
  });

  const names = async (): Promise<string[]> => (await scene.list(preflights)).map(({ metadata }) => metadata.name);
});
