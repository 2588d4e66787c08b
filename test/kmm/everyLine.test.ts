/** One stack on each line of KMM, one after the other: builds and signatures that fail, and a roll-out of what is fixed. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { kmmsUnderTest } from "@onload-kmm/sandbox/test/kmm/underTest";
import { FailingStack } from "./failing.ts";
import { UpgradedStack } from "./upgrading.ts";

const rebuild = (count: number): [string, string] => ["--config", `onload-kmm:rebuild=${count}`];

describe("builds and signatures on every line of KMM", { concurrency: false }, () => {
  let stack: UpgradedStack;
  let failing: FailingStack;

  before(async () => {
    stack = await UpgradedStack.start(kmmsUnderTest[0] ?? assert.fail("no KMM"), 1);
    failing = new FailingStack(stack.scene);
    await stack.scene.again("up");
  });
  after(() => stack.scene.end());

  for (const [at, kmm] of kmmsUnderTest.entries()) {
    describe(`KMM ${kmm.line}`, () => {
      // Other tags than those of the line before.
      const tag = (count: number) => rebuild(2 * at + count);
      let loaded: string[];

      before(async () => {
        if (at > 0) await stack.upgrade(kmm);
        loaded = await failing.loadedImages();
      });

      test("a build that fails is told with its log's end, and no node is touched", async () => {
        await stack.scene.set({ "build.fail": "onload-build" });
        const output = await failing.failingUp(...tag(1));
        assert.match(output, /building the kernel modules for \S+ failed \(Build onload-build-\S+: Failed/);
        assert.match(output, /a failure switch of the sandbox is on/);
        await stack.scene.set({ "build.fail": null });
        assert.deepEqual(await failing.loadedImages(), loaded);
      });

      test("a signature that fails, under another tag, is told, ends KMM's rounds, and gives no node an unsigned image", async () => {
        await stack.scene.set({ "sign.fail": "onload-sign" });
        const output = await failing.failingUp(...tag(2));
        assert.match(output, /signing the kernel modules for \S+ failed \(Build onload-sign-\S+/);
        await failing.assertRoundsEnded();
        assert.deepEqual(await failing.loadedImages(), loaded);
      });

      test("fixed under the same tag it is built, signed and loaded, and nothing is left to do", async () => {
        const made = await stack.scene.buildsMade();
        await stack.scene.set({ "sign.fail": null });
        await stack.scene.again("up", ...tag(2));
        assert.equal((await stack.scene.buildsMade()) - made, 2, "one build and one signature");
        await stack.assertSignedOnNodes();
        await stack.assertNothingToDo(...tag(2));
      });
    });
  }
});
