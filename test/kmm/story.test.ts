/** A stack's life on the KMM under test, the real one where a folder is given: one stack, in this order. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { marksOn, namespace, nextRelease, Scene } from "../faults/scene.ts";
import { clusterObjects } from "../stack/cluster.ts";
import { kmmUnderTest } from "@onload-kmm/sandbox/test/kmm/underTest";

const rebuild = (count: number): [string, string] => ["--config", `onload-kmm:rebuild=${count}`];

describe(`one stack's life on KMM ${kmmUnderTest.line}`, { concurrency: false }, () => {
  let scene: Scene;
  let untouched: Set<string>;

  before(async () => {
    scene = await Scene.start({ nodes: 2, kmm: kmmUnderTest.options });
    untouched = await clusterObjects(scene.stack.sandbox);
  });
  after(() => scene.end());

  test("up ends with the signed modules loaded on every node", async () => {
    await scene.again("up");
    await scene.assertFull();
  });

  test("a second up changes nothing", async () => {
    const made = await scene.buildsMade();
    const { exitCode, output, steps } = await scene.stack.up("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps, []);
    assert.equal(await scene.buildsMade(), made);
  });

  test("a forced rebuild is built and signed once, and rolls over both nodes", async () => {
    const made = await scene.buildsMade();
    const old = (await scene.stack.outputs())["image"];
    await scene.again("up", ...rebuild(1));
    await scene.assertFull();
    assert.notEqual((await scene.stack.outputs())["image"], old);
    assert.equal((await scene.buildsMade()) - made, 2, "one build and one signature");
  });

  test("a node that is taken off the list is unloaded and forgotten", async () => {
    await listNodes(1);
    await scene.again("up", ...rebuild(1));
    assert.deepEqual(marksOn((await scene.get("node", "worker-2")) ?? assert.fail()), []);
    await scene.assertOwnDriver("worker-2");
    await scene.assertFull();
  });

  test("put on it again, it loads without another build", async () => {
    const made = await scene.buildsMade();
    await listNodes(2);
    await scene.again("up", ...rebuild(1));
    await scene.assertFull();
    assert.equal(await scene.buildsMade(), made);
  });

  test("a node that boots into the next kernel is built for, and loads", async () => {
    await scene.reboot("worker-1", nextRelease);
    await scene.again("up", ...rebuild(1));
    await scene.assertFull();
    await scene.assertRuns("worker-1", nextRelease.kernel);
  });

  test("destroy leaves nothing but KMM's empty NodeModulesConfigs", async () => {
    await scene.again("destroy");
    await scene.assertGone();
    const left = [...(await clusterObjects(scene.stack.sandbox))].filter((object) => !untouched.has(object));
    assert.deepEqual(
      left.filter((object) => object.includes(`${namespace}/`)),
      [],
    );
  });

  let all: unknown[] | undefined;

  async function listNodes(count: number): Promise<void> {
    const config = await scene.stack.config();
    all ??= config.config["onload-kmm:nodes"] as unknown[];
    await scene.stack.configure({
      ...config,
      config: { ...config.config, "onload-kmm:nodes": all.slice(0, count) },
    });
  }
});
