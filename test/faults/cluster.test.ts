/** A cluster that goes away in the middle, and somebody else at work on the same stack, node or module. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { kmm } from "../../core/names.ts";
import { Registry } from "@onload-kmm/sandbox/openshift/registry";
import { writesBy } from "../stack/cluster.ts";
import { start } from "./running.ts";
import { Scene } from "./scene.ts";

const handMadeImage = "quay.io/somebody/onload:1";

/** As the old README told to write it: no version, no tolerations, no build. */
const handMade = {
  apiVersion: "kmm.sigs.x-k8s.io/v1beta1",
  kind: "Module",
  metadata: { name: "onload-module", namespace: "onload-runtime" },
  spec: {
    selector: { "kubernetes.io/hostname": "worker-1" },
    moduleLoader: {
      container: {
        modprobe: { moduleName: "onload" },
        kernelMappings: [{ regexp: "^.+$", containerImage: handMadeImage }],
      },
    },
  },
};

describe("a cluster that moves", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    // The second node takes KMM's test pods while the first is cordoned; the stack doesn't list it.
    scene = await Scene.start({
      nodes: 2,
      configure: ({ config }) => {
        config["onload-kmm:nodes"] = (config["onload-kmm:nodes"] as unknown[]).slice(0, 1);
      },
    });
  });
  after(() => scene.end());

  test("somebody's hand-made Module in the way is named in preview, and migrated as the docs say", async () => {
    await loadHandMade();
    const { exitCode, output } = await scene.stack.preview();
    assert.notEqual(exitCode, 0);
    assert.match(output, /Module onload-runtime\/onload-module loads OpenOnload already/);
    assert.match(output, /docs\/kmm\.md, "Migrating a hand-made Module"/);

    await scene.kubectl("cordon", "worker-1");
    await scene.kubectl("-n", "onload-runtime", "delete", "modules.kmm.sigs.x-k8s.io", "onload-module");
    await scene.again("up");
    assert.equal((await scene.get("node", "worker-1"))?.spec?.["unschedulable"], true, "our cordon isn't this one");
    await scene.kubectl("uncordon", "worker-1");
    await scene.assertFull();
  });

  test("while one `up` runs another is locked out, and an API server that goes away is waited for", async () => {
    await scene.set({ "build.hang": "onload-build" });
    const first = start(scene.stack, "up", "--config", "onload-kmm:rebuild=1");
    assert.ok(await first.says(/onload-build-[\w-]+: Running/), first.output);

    const second = await scene.stack.up();
    assert.notEqual(second.exitCode, 0);
    assert.match(second.output, /locked by 1 lock/);

    await scene.stack.sandbox.kill("kube-apiserver");
    assert.ok(await first.says(/the API server is away/), first.output);
    await scene.stack.sandbox.start("kube-apiserver");
    await scene.set({ "build.hang": null });
    const { output } = await first.end();
    assert.match(output, /module-build updated/, output);
    // The node's own heartbeat may have lapsed meanwhile: then the first run refuses to touch it.
    await scene.again("up");
    await scene.assertFull();
  });

  test("another stack that lists the same node is refused in preview", async () => {
    const made = await scene.stack.pulumi("stack", "init", "other", "--no-select");
    assert.equal(made.exitCode, 0, made.output);
    // `--config` would be saved in the first stack's own file.
    const configFile = join(scene.stack.sandbox.dir, "Pulumi.other.yaml");
    const { config } = await scene.stack.config();
    await writeFile(configFile, stringify({ config: { ...config, "onload-kmm:namespace": "other" } }));
    const { exitCode, output } = await scene.stack.pulumi("preview", "--stack", "other", "--config-file", configFile);

    assert.notEqual(exitCode, 0);
    assert.match(output, /worker-1 belongs to the stack "dev"/);
  });

  test("etcd restarted and connections cut while a rebuild rolls out: the second `up` at the latest ends well", async () => {
    await scene.set({ "gateway.cut": "3" });
    const running = start(scene.stack, "up", "--config", "onload-kmm:rebuild=2");
    assert.ok(await running.says(/worker-1-roll updating/), running.output);
    await scene.stack.sandbox.restart("etcd");
    await running.end();
    await scene.set({ "gateway.cut": null });
    await scene.again("up", "--config", "onload-kmm:rebuild=2");
    await scene.assertFull();
  });

  test("destroy ends although the node is gone, says so, and makes no Node in its place", async () => {
    await scene.loseNode("worker-1");
    const before = (await scene.stack.sandbox.auditLog()).length;
    const output = await scene.again("destroy");
    assert.match(output, /worker-1: the node is gone; nothing to unload/);
    await scene.assertGone();
    assert.equal(await scene.get("node", "worker-1"), undefined);
    const written = writesBy("admin", (await scene.stack.sandbox.auditLog()).slice(before));
    assert.deepEqual(
      written.filter(({ name }) => name.includes("worker-1")),
      [],
    );
  });

  /** Makes the Module, with an image that holds nothing but `onload.ko`, and waits until it is loaded. */
  async function loadHandMade(): Promise<void> {
    const { kernelVersion: kernel } = await scene.nodeInfo("worker-1");
    const directory = `/opt/lib/modules/${kernel}`;
    const module = { kind: "kmod" as const, module: "onload", kernel, version: "1.0", depends: [] };
    const files = { "/bin/sh": {}, [`${directory}/extra/onload.ko`]: module, [`${directory}/modules.dep`]: {} };
    Registry.open(scene.stack.sandbox.dir).push(handMadeImage, { createdBy: "somebody", config: {}, files });
    await scene.kubectl("create", "namespace", "onload-runtime");
    await scene.stack.sandbox.kubectl(["create", "-f", "-"], JSON.stringify(handMade));
    const ready = kmm.readyLabel("onload-runtime", "onload-module");
    await scene.until("the hand-made Module to be loaded", async () => {
      return ready in ((await scene.get("node", "worker-1"))?.metadata.labels ?? {});
    });
  }
});
