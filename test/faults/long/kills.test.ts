/**
 * SIGKILL of the engine, of a plugin, of a step, or of all at once, at 28 points of `up`, of `up` with a rebuild, and of
 * `destroy`. Each run is killed and the same command run again, as a person would; the last one must end in the full state.
 */
import { after, before, describe, test } from "node:test";
import { assertReached, cutThrough, destroyCuts, rebuildCuts, upCuts } from "../cuts.ts";
import { Scene } from "../scene.ts";

describe("kills", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start({ nodes: 2 });
  });
  after(() => scene.end());

  test(`up, killed at ${upCuts.length} points, ends in the full state`, async () => {
    assertReached(await cutThrough(scene, "up", upCuts), upCuts);
    await scene.assertFull();
  });

  test(`up with a rebuild, killed at ${rebuildCuts.length} points, ends in the full state`, async () => {
    assertReached(await cutThrough(scene, "up", rebuildCuts, "--config", "onload-kmm:rebuild=1"), rebuildCuts);
    await scene.assertFull();
  });

  test(`destroy, killed at ${destroyCuts.length} points, leaves nothing`, async () => {
    assertReached(await cutThrough(scene, "destroy", destroyCuts), destroyCuts);
    await scene.assertGone();
  });
});
