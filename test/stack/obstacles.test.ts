/** What would make loading fail half-way is told before the node is touched. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { controlNode } from "../../sandbox/nodes/control.ts";
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
      /worker-1: the modules are in use by sfupdate \(1001\) by \/dev\/mtd0, whom no drain ends: .*The node was not touched/,
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
      /worker-1: the modules are in use by monitor \(1002\) of pod default\/agent by \/dev\/onload, whom no drain ends/,
    );
    assert.doesNotMatch(output, /nginx|worker-1: cordoned/);
    await controlNode(dir, node, "end", { name: "monitor" });
    await scene.again("up");
    await scene.assertFull();
  });

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
