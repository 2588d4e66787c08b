/** Builds that can't go on, or can't be made at all, as `up` and `preview` tell of them; and those of RHEL 10. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { namespace, Scene } from "../faults/scene.ts";

const rhel10 = {
  kernel: "6.12.0-124.8.1.el10_1.x86_64",
  osImage: "Red Hat Enterprise Linux CoreOS 10.1.20251201-0 (Coughlan)",
};

describe("builds that aren't ours to make", { concurrency: false }, () => {
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
    assert.match(output, new RegExp(`timed out after 18 s waiting for the source image: ${cause}`));
    assert.match(
      output,
      /look at `kubectl -n onload-kmm get builds,pods,events`, fix the cause and run `pulumi up` again; to allow more time, raise onload-kmm:build\.timeoutMinutes/,
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

  for (const [what, kernel, problem] of [
    [
      "a debug kernel",
      { kernel: "5.14.0-570.49.1.el9_6.x86_64+debug" },
      /the Driver Toolkit for x86_64 has no kernel-debug-devel/,
    ],
    [
      "RHEL 10 without a Driver Toolkit",
      rhel10,
      /the ImageStream openshift\/driver-toolkit has no tag for its OS version \(.*10\.1\./,
    ],
  ] as const) {
    test(`${what}: an error of preview, with node, kernel and the way on, before anything is built`, async () => {
      const { osImage } = await scene.nodeInfo("worker-1");
      const made = await scene.buildsMade();
      await scene.reboot("worker-1", { osImage, ...kernel });
      const { exitCode, output } = await scene.stack.preview();
      assert.notEqual(exitCode, 0);
      const said = output.replaceAll(/\s+/g, " ");
      assert.match(said, problem);
      assert.ok(
        said.includes(`nodes[0].name: found "worker-1", but nothing can be built for its kernel ${kernel.kernel}`),
        said,
      );
      assert.match(said, /set onload-kmm:build\.strategy to entitled-ubi, or remove the node from the list/);
      assert.equal(await scene.buildsMade(), made);
    });
  }

  test("RHEL 10 with an entitlement is built in UBI 10, on the kernel's own architecture, and loads", async () => {
    const config = await scene.stack.config();
    const build = { strategy: "entitled-ubi", timeoutMinutes: 10 };
    await scene.stack.configure({ ...config, config: { ...config.config, "onload-kmm:build": build } });
    await scene.again("up");
    await scene.assertFull();
    await scene.assertRuns("worker-1", rhel10.kernel);
    const module = await scene.get("modules.kmm.sigs.x-k8s.io", "onload", "-n", namespace);
    const { container } = module?.spec?.["moduleLoader"] as { container: { kernelMappings: Mapping[] } };
    const mapping = container.kernelMappings.find(({ literal }) => literal === rhel10.kernel) ?? assert.fail();
    assert.deepEqual(mapping.build.selector, { "kubernetes.io/arch": "amd64" });
    const ubi = mapping.build.buildArgs.find(({ name }) => name === "UBI_IMAGE");
    assert.equal(ubi?.value, "registry.access.redhat.com/ubi10/ubi:10.1");
  });
});

interface Mapping {
  readonly literal: string;
  readonly build: { readonly selector: unknown; readonly buildArgs: readonly { name: string; value: string }[] };
}
