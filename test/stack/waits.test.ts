/** Waits for others' work, with a limit, as `up` tells of them. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { namespace, Scene } from "../faults/scene.ts";

describe("waits that aren't ours", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start({ nodes: 1 });
  });
  after(() => scene.end());

  test("a source build that stays Pending ends with its own time limit, its cause and the way on", async () => {
    const config = await scene.stack.config();
    await scene.stack.configure({
      ...config,
      config: { ...config.config, "onload-kmm:build": { timeoutMinutes: 0.3 } },
    });
    await scene.set({ "build.pending": "onload-srpm" });
    const began = Date.now();
    const { exitCode, output } = await scene.stack.up();
    await scene.stack.configure(config);

    assert.equal(exitCode, 1, output);
    const cause = String.raw`onload-srpm-1 Pending \(no node takes its pod: 0/\d nodes are available: .*node affinity/selector`;
    assert.match(output, new RegExp(`waiting for the source image: ${cause}`));
    assert.match(
      output,
      new RegExp(`the source image: not after 18 s \\(onload-kmm:build\\.timeoutMinutes\\): ${cause}`),
    );
    assert.match(
      output,
      /look at `kubectl -n onload-kmm get builds,pods,events`, mend what keeps it and run `pulumi up` again/,
    );
    // 18 s, and what `up` takes around them on a busy machine; OpenShift alone would have waited five minutes.
    assert.ok(Date.now() - began < 180_000);
    await scene.until("the Build to be cancelled", async () => {
      const build = await scene.get("builds.build.openshift.io", "onload-srpm-1", "-n", namespace);
      return build?.status?.["phase"] === "Cancelled";
    });
  });

  test("the next `up` builds it", async () => {
    await scene.set({ "build.pending": null });
    await scene.again("up");
    await scene.assertFull();
  });
});
