/** Builds and signatures that fail, fixed and not, under the same tag and a new one, on the KMM under test. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Scene } from "../faults/scene.ts";
import { kmmUnderTest } from "@onload-kmm/sandbox/test/kmm/underTest";
import { FailingStack } from "./failing.ts";

const rebuild = (count: number): [string, string] => ["--config", `onload-kmm:rebuild=${count}`];

describe(`failures on KMM ${kmmUnderTest.line}`, { concurrency: false }, () => {
  let scene: Scene;
  let stack: FailingStack;

  before(async () => {
    scene = await Scene.start({ nodes: 1, kmm: kmmUnderTest.options });
    stack = new FailingStack(scene);
  });
  after(() => scene.end());

  /** That no node was given any image of the stack. */
  async function assertNoneLoaded(): Promise<void> {
    for (const { metadata, spec } of await scene.list("nodemodulesconfigs.kmm.sigs.x-k8s.io")) {
      assert.deepEqual(spec?.["modules"] ?? [], [], metadata.name);
    }
  }

  test("a failed build ends `up` with its log's end; KMM comes to rest and no node is touched", async () => {
    await scene.set({ "build.fail": "onload-build" });
    const output = await stack.failingUp();
    assert.match(output, /building the kernel modules for \S+ failed \(Build onload-build-\S+: Failed/);
    assert.match(output, /a failure switch of the sandbox is on/);
    await scene.assertNodesUntouched();
    await stack.assertRoundsEnded();
  });

  test("not fixed, the same `up` fails again with the new Build's log", async () => {
    const made = await scene.buildsMade();
    assert.match(await stack.failingUp(), /building the kernel modules for \S+ failed/);
    assert.equal((await scene.buildsMade()) - made, 1, "one new Build");
  });

  test("fixed under the same tag, it is built and signed", async () => {
    await scene.set({ "build.fail": null });
    await scene.again("up");
    await scene.assertFull();
  });

  test("a failed build fixed under a new tag is built and signed", async () => {
    await scene.set({ "build.fail": "onload-build" });
    assert.match(await stack.failingUp(...rebuild(1)), /building the kernel modules for \S+ failed/);
    await scene.set({ "build.fail": null });
    await scene.again("up", ...rebuild(2));
    await scene.assertFull();
  });

  test("a failed signature ends `up` after one round; KMM comes to rest, and the node keeps its image", async () => {
    const before = await scene.proofs();
    await scene.set({ "sign.fail": "onload-sign", "build.seconds": "5" });
    const output = await stack.failingUp(...rebuild(3));
    assert.match(output, /signing the kernel modules for \S+ failed \(Build onload-sign-\S+/);
    await stack.assertRoundsEnded();
    assert.deepEqual(
      await stack.loadedImages(),
      before.map(({ image }) => image),
    );
  });

  test("not fixed, the same `up` fails again, and gives no node an unsigned image", async () => {
    const before = await stack.loadedImages();
    assert.match(await stack.failingUp(...rebuild(3)), /signing the kernel modules for \S+ failed/);
    assert.deepEqual(await stack.loadedImages(), before);
  });

  test("fixed under the same tag, it is signed and loaded", async () => {
    await scene.set({ "sign.fail": null, "build.seconds": null });
    await scene.again("up", ...rebuild(3));
    await scene.assertFull();
  });

  test("a failed signature fixed under a new tag is signed and loaded", async () => {
    await scene.set({ "sign.fail": "onload-sign", "build.seconds": "5" });
    assert.match(await stack.failingUp(...rebuild(4)), /signing the kernel modules for \S+ failed/);
    await scene.set({ "sign.fail": null, "build.seconds": null });
    await scene.again("up", ...rebuild(5));
    await scene.assertFull();
  });

  test("a first `up` whose signature fails gives no node anything", async () => {
    await scene.again("destroy");
    await scene.set({ "sign.fail": "onload-sign", "build.seconds": "5" });
    assert.match(await stack.failingUp(...rebuild(6)), /signing the kernel modules for \S+ failed/);
    await assertNoneLoaded();
    await scene.assertNodesUntouched();
  });
});
