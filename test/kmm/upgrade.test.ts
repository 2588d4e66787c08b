/** KMM is upgraded from line to line under a stack at rest: one stack, in this order. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { kmm } from "../../core/names.ts";
import { namespace } from "../faults/scene.ts";
import { kmmsUnderTest } from "@onload-kmm/sandbox/test/kmm/underTest";
import { allMarksOn, UpgradedStack } from "./upgrading.ts";

const [first, ...later] = kmmsUnderTest;

describe(`KMM ${kmmsUnderTest.map(({ line }) => line).join(" → ")} under a stack`, { concurrency: false }, () => {
  let stack: UpgradedStack;

  before(async () => {
    stack = await UpgradedStack.start(first ?? assert.fail("no KMM to begin with"), 2);
    await stack.scene.again("up");
    await stack.scene.assertFull();
  });
  after(() => stack.scene.end());

  for (const to of later) {
    test(`an upgrade to ${to.line} reloads, builds and changes nothing`, async () => {
      const before = await stack.untouchables();
      await stack.upgrade(to);
      await stack.assertNothingToDo();
      assert.deepEqual(await stack.untouchables(), before);
    });
  }

  test("a node that leaves then takes along what each line has left on it", async () => {
    const kept = kmm.keptVersionLabels(namespace, "onload");
    const marks = allMarksOn((await stack.scene.get("node", "worker-2")) ?? assert.fail());
    const left = kept.filter((label) => marks.includes(label));
    // 2.7 gives the second of them another name, and forgets the first.
    assert.equal(left.length, later.at(-1)?.line === "2.7" && first?.line !== "2.7" ? 3 : 2, left.join());
    const config = await stack.scene.stack.config();
    const nodes = config.config["onload-kmm:nodes"] as unknown[];
    await stack.scene.stack.configure({
      ...config,
      config: { ...config.config, "onload-kmm:nodes": nodes.slice(0, 1) },
    });
    await stack.scene.again("up");
    assert.deepEqual(allMarksOn((await stack.scene.get("node", "worker-2")) ?? assert.fail()), []);
    await stack.scene.assertOwnDriver("worker-2");
    await stack.scene.assertFull();
  });

  test("destroy leaves no label of any line on any node", async () => {
    await stack.scene.again("destroy");
    await stack.scene.assertGone();
    for (const node of await stack.scene.list("nodes")) assert.deepEqual(allMarksOn(node), [], node.metadata.name);
  });
});
