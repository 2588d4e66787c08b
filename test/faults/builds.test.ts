/**
 * Builds and signatures that fail, and tags that change at the wrong moment, through the real program. What KMM makes of
 * each with a naive Module is shown in sandbox/test/kmm/builds.ts, from which the titles here are answered.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { names } from "../../core/names.ts";
import { Registry } from "@onload-kmm/sandbox/openshift/registry";
import { start } from "./running.ts";
import { namespace, Scene } from "./scene.ts";

const rebuild = (count: number): [string, string] => ["--config", `onload-kmm:rebuild=${count}`];

describe("builds that go wrong", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start();
  });
  after(() => scene.end());

  test("a build that fails ends `up` with its log's end, and no node is touched", async () => {
    await scene.set({ "build.fail": "onload-build" });
    const { exitCode, output } = await scene.stack.up();

    assert.notEqual(exitCode, 0);
    assert.match(output, /building the kernel modules for \S+ failed \(Build onload-build-[\w-]+: Failed/);
    assert.match(output, /a failure switch of the sandbox is on/);
    assert.match(output, /No node was touched\. Fix the cause and run `pulumi up` again/);
    await scene.assertNodesUntouched();
  });

  test("fixed without a change, the same tag is built again and signed", async () => {
    const failed = await scene.builds("BuildImage");
    assert.ok(failed.length > 0, "KMM keeps the failed Build, and would never retry it");
    await scene.set({ "build.fail": null });
    await scene.again("up");
    await scene.assertFull();
  });

  test("a failed build whose log ends in a very long line ends `up` too, with that line cut", async () => {
    await scene.set({ "build.fail": "onload-build", "build.long-line": "." });
    const { exitCode, output } = await scene.stack.up(...rebuild(1));
    assert.equal(exitCode, 1, output);
    assert.match(output, /gcc -Wno-unused .*… \(187948 bytes cut\)/);
    assert.match(output, /a failure switch of the sandbox is on/);
    assert.ok(output.split("\n").every((line) => Buffer.byteLength(line) < 5000));
    await scene.set({ "build.fail": null, "build.long-line": null });
  });

  test("a build that fails, fixed under a new tag, is really built and signed", async () => {
    await scene.set({ "build.fail": "onload-build" });
    const { exitCode, output } = await scene.stack.up(...rebuild(2));
    assert.notEqual(exitCode, 0);
    assert.match(output, /building the kernel modules for \S+ failed/);

    await scene.set({ "build.fail": null });
    await scene.again("up", ...rebuild(3));
    await scene.assertFull();
  });

  test("a new tag set while the old one's build runs gets a build and a signature of its own", async () => {
    await scene.set({ "build.hang": "onload-build" });
    await scene.cut("up", /onload-build-[\w-]+: Running/, "power", ...rebuild(4));
    const old = await scene.builds("BuildImage");
    assert.equal(old.filter(({ status }) => status?.["phase"] === "Running").length, 1);

    await scene.unlock("up");
    const running = start(scene.stack, "up", ...rebuild(5));
    assert.ok(await running.says(/cancelling Build onload-build-/), running.output);
    await scene.set({ "build.hang": null });
    const { exitCode, output } = await running.end();
    assert.equal(exitCode, 0, output);
    await scene.assertFull();
  });

  test("a signature that fails ends `up` after one round, and KMM's endless one is stopped", async () => {
    const before = await scene.buildsMade();
    // A round takes minutes on a real cluster; here as long as even a slow machine needs to see that one failed.
    await scene.set({ "sign.fail": "onload-sign", "build.seconds": "10" });
    const { exitCode, output } = await scene.stack.up(...rebuild(6));

    assert.notEqual(exitCode, 0);
    assert.match(output, /signing the kernel modules for \S+ failed \(Build onload-sign-[\w-]+/);
    // KMM starts the next round within 0.1 s, before anybody can see the failure.
    assert.ok((await scene.buildsMade()) - before <= 3, "one round, and at most the beginning of another");
    await scene.until("KMM to have nothing left to build", async () => {
      const left = [...(await scene.builds("BuildImage")), ...(await scene.builds("SignImage"))];
      return left.length === 0;
    });
    const stopped = await scene.buildsMade();

    await scene.set({ "sign.fail": null, "build.seconds": null });
    await scene.again("up");
    assert.equal((await scene.buildsMade()) - stopped, 2, "one build and one signature");
    await scene.assertFull();
  });

  test("an image that was pruned, though KMM still says that it exists, is named when its tag comes back, and another tag is built", async () => {
    const [{ image } = assert.fail()] = await scene.proofs();
    await scene.again("up", ...rebuild(7));
    await prune(image);
    const mic = await scene.get("moduleimagesconfigs.kmm.sigs.x-k8s.io", "onload", "-n", namespace);
    const states = (mic?.status?.["imagesStates"] ?? []) as { image: string; status: string }[];
    assert.equal(states.find((state) => state.image === image)?.status, "Exists");

    // The node's own storage still has it, and KMM's test pod takes it from there: KMM can't be made to build it.
    const { exitCode, output } = await scene.stack.up(...rebuild(6));
    assert.notEqual(exitCode, 0);
    assert.match(output, /KMM reports an image for \S+ that the registry doesn't hold, however often it looks/);
    assert.match(output, /No node was touched; raise onload-kmm:rebuild/);
    await scene.again("up", ...rebuild(8));
    await scene.assertFull();
  });

  /** As `oc adm prune images` does: out of the registry, and out of the ImageStream's status. */
  async function prune(image: string): Promise<void> {
    Registry.open(scene.stack.sandbox.dir).remove(image);
    const stream = ["imagestreams.image.openshift.io", names.kmodImageStream, "-n", namespace];
    const tags = ((await scene.get(...stream))?.status?.["tags"] ?? []) as { tag: string }[];
    const left = tags.filter(({ tag }) => !image.endsWith(`:${tag}`));
    assert.equal(left.length, tags.length - 1);
    const status = JSON.stringify({ status: { tags: left } });
    await scene.kubectl("patch", ...stream, "--subresource=status", "--type=merge", "-p", status);
  }
});
