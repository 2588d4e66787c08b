/** What would make loading fail half-way is told before the node is touched. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { unzipSync, zipSync } from "fflate";
import type { ReleaseSettings } from "../../core/build/release.ts";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import { Scene } from "../faults/scene.ts";

const node = "worker-1";

describe("what stands in the way of loading", { concurrency: false }, () => {
  let scene: Scene;
  let dir: string;

  before(async () => {
    scene = await Scene.start({ nodes: 1 });
    dir = scene.stack.sandbox.dir;
  });
  after(() => scene.end());

  test("a program that holds the kernel's own driver is named before the cordon", async () => {
    await controlNode(dir, node, "start", { name: "sfupdate", file: "/dev/mtd0" });
    await refused(
      /worker-1: the modules are in use by sfupdate \(1001\) by \/dev\/mtd0, which a drain doesn't stop: .*The node was not touched/,
    );
    await scene.assertNodesUntouched();
    await controlNode(dir, node, "end", { name: "sfupdate" });
    await scene.again("up");
    await scene.assertFull();
  });

  test("an application of a DaemonSet that holds OpenOnload's is named with its pod; one in a pod that is drained is no reason", async () => {
    const labels = { app: "agent" };
    const containers = [{ name: "agent", image: "agent" }];
    const uid = await create({
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "agent", namespace: "default" },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
    });
    // The sandbox has no controller for DaemonSets.
    const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", uid, controller: true };
    const agent = await create(pod("agent", [owner]));
    const app = await create(pod("app"));
    await controlNode(dir, node, "start", { name: "nginx", file: "/dev/onload", pod: app });
    await controlNode(dir, node, "start", { name: "monitor", file: "/dev/onload", pod: agent });
    const config = await scene.stack.config();
    config.config["onload-kmm:rebuild"] = 1;
    await scene.stack.configure(config);
    const output = await refused(
      /worker-1: the modules are in use by monitor \(1002\) of pod default\/agent by \/dev\/onload, which a drain doesn't stop/,
    );
    assert.doesNotMatch(output, /nginx|worker-1: cordoned/);
    await controlNode(dir, node, "end", { name: "monitor" });
  });

  test("who is left after the drain is named too, the driver still there; the next `up` goes on", async () => {
    // A container that outlives its pod.
    const pod = "0a1b2c3d-1111-2222-3333-444455556666";
    await controlNode(dir, node, "start", { name: "stuck", file: "/dev/onload", pod });
    const output = await refused(
      /timed out after 60 s waiting for worker-1's modules to be unused: in use by stuck \(\d+\) of pod 0a1b2c3d\S+ by \/dev\/onload; the node stays cordoned, with the driver/,
    );
    assert.match(output, /worker-1: cordoned/);
    assert.doesNotMatch(output, /nginx/, "it was drained");
    assert.equal((await scene.get("node", node))?.spec?.["unschedulable"], true);
    const { modules } = await scene.machine(node);
    assert.ok(modules.some(({ name, outOfTree }) => name === "sfc" && outOfTree));
    await controlNode(dir, node, "end", { name: "stuck" });
    await scene.again("up");
    await scene.assertFull();
  });

  test("a node that is set up without the kernel's own driver is rolled, and is left without it", async () => {
    await boot(() => controlNode(dir, node, "configureModprobe", { lines: ["install sfc /bin/false"] }));
    await scene.again("up");
    await scene.assertFull();

    // In use, it doesn't leave either.
    await controlNode(dir, node, "start", { name: "trader", file: "/dev/onload" });
    const { exitCode, output } = await scene.stack.destroy();
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /worker-1: the modules are in use by trader \(1001\) by \/dev\/onload, .*The node was not touched/,
    );
    assert.equal((await scene.get("node", node))?.spec?.["unschedulable"], undefined);
    await controlNode(dir, node, "end", { name: "trader" });

    await scene.again("destroy");
    await scene.assertGone();
    assert.deepEqual((await scene.machine(node)).modules, []);
  });

  test("no card, arguments of the kernel, a release too old for it: one preview tells all of them", async () => {
    await boot(() => controlNode(dir, node, "removeCard"));
    const arguments_ = ["module_blacklist=onload", "lockdown=integrity", "modprobe.blacklist=sfc"];
    await boot(() => controlNode(dir, node, "bootWith", { arguments: arguments_ }));
    const config = await scene.stack.config();
    config.config["onload-kmm:release"] = await olderRelease(config.config["onload-kmm:release"] as ReleaseSettings);
    await scene.stack.configure(config);
    const { exitCode, output } = await scene.stack.preview();
    assert.notEqual(exitCode, 0, output);
    for (const said of [
      /4 problems, nothing was changed/,
      /worker-1: it has no port that OpenOnload's driver sfc serves; .*`withoutPorts: true`/,
      /worker-1: the kernel argument module_blacklist= makes its kernel refuse onload/,
      /worker-1: its kernel takes signed modules only \(module\.sig_enforce=1 or lockdown=\) though Secure Boot is off/,
      /onload-kmm:release\.version: found 8\.1\.2\.26, which doesn't build for worker-1's kernel .*\(RHEL 9\.6\); .* is OpenOnload 9\.0\.2/,
    ]) {
      assert.match(output, said);
    }
  });

  /** Waits until the node is up again after something that boots it. */
  async function boot(act: () => Promise<unknown>): Promise<void> {
    const old = await scene.nodeInfo(node);
    await act();
    await scene.until(`${node} to boot`, async () => (await scene.nodeInfo(node)).bootID !== old.bootID);
    await scene.untilReady(node, "True");
  }

  /** The same package, as one of AMD's of before RHEL 9.6. */
  async function olderRelease(settings: ReleaseSettings): Promise<ReleaseSettings> {
    const version = "8.1.2.26";
    const [source = new Uint8Array()] = Object.values(
      unzipSync(await readFile(settings.package), { filter: ({ name }) => name.endsWith(".src.rpm") }),
    );
    const bytes = zipSync({ [`onload-${version}-1.src.rpm`]: source });
    const file = join(dir, "older-release.zip");
    await writeFile(file, bytes);
    return { package: file, sha256: createHash("sha256").update(bytes).digest("hex"), version };
  }

  async function refused(reason: RegExp): Promise<string> {
    const { exitCode, output } = await scene.stack.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, reason);
    return output;
  }

  /** Answers the UID of what it makes. */
  async function create(object: object): Promise<string> {
    const made = await scene.stack.sandbox.kubectl(["create", "-o", "json", "-f", "-"], JSON.stringify(object));
    return (JSON.parse(made) as { metadata: { uid: string } }).metadata.uid;
  }

  const pod = (name: string, ownerReferences: object[] = []) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", ownerReferences },
    spec: { nodeName: node, containers: [{ name, image: name }] },
  });
});
