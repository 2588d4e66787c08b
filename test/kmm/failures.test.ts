/** Builds and signatures that fail, mended and not, under the same tag and a new one, on the KMM under test. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Registry } from "../../sandbox/openshift/registry.ts";
import { namespace, Scene } from "../faults/scene.ts";
import { kmmUnderTest } from "../sandbox/kmm/underTest.ts";

const rebuild = (count: number): [string, string] => ["--config", `onload-kmm:rebuild=${count}`];
/** Milliseconds that a failing `up` may take: a minute for all before the failure and one to tell it, on a busy machine. */
const upWithin = 120_000;

describe(`failures on KMM ${kmmUnderTest.line}`, { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start({ nodes: 1, kmm: kmmUnderTest.options });
  });
  after(() => scene.end());

  /** What an `up` says that fails, and that it says it in time. */
  async function failingUp(...args: string[]): Promise<string> {
    const began = Date.now();
    const { exitCode, output } = await scene.stack.up(...args);
    assert.notEqual(exitCode, 0, output);
    assert.ok(Date.now() - began < upWithin, `the failure is told within ${upWithin / 1000} s`);
    return output;
  }

  /** That KMM starts no Build of its own any more: none within ten seconds, many times what its next round takes. */
  async function assertRoundsEnded(): Promise<void> {
    const made = await scene.buildsMade();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    assert.equal(await scene.buildsMade(), made, "KMM goes on building after `up` has ended");
  }

  /** That no node was given any image of the stack. */
  async function assertNoneLoaded(): Promise<void> {
    for (const { metadata, spec } of await scene.list("nodemodulesconfigs.kmm.sigs.x-k8s.io")) {
      assert.deepEqual(spec?.["modules"] ?? [], [], metadata.name);
    }
  }

  test("a failed build ends `up` with its log's end; KMM comes to rest and no node is touched", async () => {
    await scene.set({ "build.fail": "onload-build" });
    const output = await failingUp();
    assert.match(output, /building the kernel modules for \S+ failed \(Build onload-build-\S+: Failed/);
    assert.match(output, /a failure switch of the sandbox is on/);
    await scene.assertNodesUntouched();
    await assertRoundsEnded();
  });

  test("not mended, the same `up` fails again with the new Build's log", async () => {
    const made = await scene.buildsMade();
    assert.match(await failingUp(), /building the kernel modules for \S+ failed/);
    assert.equal((await scene.buildsMade()) - made, 1, "one new Build");
  });

  test("mended under the same tag, it is built and signed", async () => {
    await scene.set({ "build.fail": null });
    await scene.again("up");
    await scene.assertFull();
  });

  test("a failed build mended under a new tag is built and signed", async () => {
    await scene.set({ "build.fail": "onload-build" });
    assert.match(await failingUp(...rebuild(1)), /building the kernel modules for \S+ failed/);
    await scene.set({ "build.fail": null });
    await scene.again("up", ...rebuild(2));
    await scene.assertFull();
  });

  test("a failed signature ends `up` after one round; KMM comes to rest, and the node keeps its image", async () => {
    const before = await scene.proofs();
    await scene.set({ "sign.fail": "onload-sign", "build.seconds": "5" });
    const output = await failingUp(...rebuild(3));
    assert.match(output, /signing the kernel modules for \S+ failed \(Build onload-sign-\S+/);
    await assertRoundsEnded();
    assert.deepEqual(
      await loadedImages(),
      before.map(({ image }) => image),
    );
  });

  test("not mended, the same `up` fails again, and gives no node an unsigned image", async () => {
    const before = await loadedImages();
    assert.match(await failingUp(...rebuild(3)), /signing the kernel modules for \S+ failed/);
    assert.deepEqual(await loadedImages(), before);
  });

  test("mended under the same tag, it is signed and loaded", async () => {
    await scene.set({ "sign.fail": null, "build.seconds": null });
    await scene.again("up", ...rebuild(3));
    await scene.assertFull();
  });

  test("a failed signature mended under a new tag is signed and loaded", async () => {
    await scene.set({ "sign.fail": "onload-sign", "build.seconds": "5" });
    assert.match(await failingUp(...rebuild(4)), /signing the kernel modules for \S+ failed/);
    await scene.set({ "sign.fail": null, "build.seconds": null });
    await scene.again("up", ...rebuild(5));
    await scene.assertFull();
  });

  test("a first `up` whose signature fails gives no node anything", async () => {
    await scene.again("destroy");
    await scene.set({ "sign.fail": "onload-sign", "build.seconds": "5" });
    assert.match(await failingUp(...rebuild(6)), /signing the kernel modules for \S+ failed/);
    await assertNoneLoaded();
    await scene.assertNodesUntouched();
  });

  /** The images that KMM was told to load, node by node; each is in the registry and signed. */
  async function loadedImages(): Promise<string[]> {
    const registry = Registry.open(scene.stack.sandbox.dir);
    const configs = await scene.list("nodemodulesconfigs.kmm.sigs.x-k8s.io");
    const images = configs
      .flatMap(({ spec }) => (spec?.["modules"] ?? []) as { namespace: string; config: { containerImage: string } }[])
      .filter((entry) => entry.namespace === namespace)
      .map(({ config }) => config.containerImage);
    for (const image of images) {
      const files = Object.values(registry.resolve(image)?.files ?? {}).filter(({ kind }) => kind === "kmod");
      assert.ok(files.length > 0 && files.every(({ signer }) => signer !== undefined), `${image} is signed`);
    }
    return images;
  }
});
