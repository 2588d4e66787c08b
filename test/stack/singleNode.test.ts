/** A cluster of one node, which is its own control plane; then the shapes that OpenShift's other parts may have. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { start } from "../faults/running.ts";
import { Scene } from "../faults/scene.ts";

const node = "node-1";
const pools = "machineconfigpools.machineconfiguration.openshift.io";

describe("a single-node cluster", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start({ nodes: 1, compact: true, secureBoot: true });
  });
  after(() => scene.end());

  test("its node is rolled and rebooted by itself: what the roll-out needs stays, and the API server is waited for", async () => {
    const before = await scene.nodeInfo(node);
    const needed = await serving();
    await scene.kubectl("create", "deployment", "engine", "--image=engine");
    const engine = await scene.until("the deployment's pod", () => podOf("default", "app=engine"));

    const running = start(scene.stack, "up");
    const { exitCode, output } = await running.end();
    assert.equal(exitCode, 0, output);
    await scene.assertFull();
    assert.notEqual((await scene.nodeInfo(node)).bootID, before.bootID, "it was rebooted");
    assert.match(output, /the API server is away/, "and its API server with it");
    assert.match(
      output,
      /stays in place, because this roll-out needs it and no other node can run it: .*openshift-image-registry\/image-registry-/,
    );
    assert.deepEqual(await serving(), needed, "the same pods of KMM and the registry serve");
    assert.notEqual(
      (await podOf("default", "app=engine"))?.metadata.name,
      engine.metadata.name,
      "a user's was evicted",
    );
  });

  test("a second `up` has nothing to do, and a rebuild reloads it without a reboot", async () => {
    const { bootID } = await scene.nodeInfo(node);
    const { steps } = await scene.stack.up();
    assert.deepEqual(steps, []);
    await scene.again("up", "--config", "onload-kmm:rebuild=1");
    await scene.assertFull();
    assert.equal((await scene.nodeInfo(node)).bootID, bootID);
  });

  test("an update that waits for its paused pool is said in preview, and keeps nothing from being rolled", async () => {
    const target = (name: string, paused: boolean) =>
      scene.kubectl(
        "patch",
        pools,
        "master",
        "--type=merge",
        "-p",
        JSON.stringify({ spec: { paused, configuration: { name } } }),
      );
    const { configuration } = ((await scene.get(pools, "master"))?.spec ?? {}) as { configuration: { name: string } };
    await target("rendered-master-next", false);
    await scene.until("the pool to update", () => isPool("Updating"));
    const busy = await scene.stack.preview("--config", "onload-kmm:rebuild=2");
    assert.match(busy.output, /machine config pool master is Updating, not just Updated; a roll-out stops/);

    await target("rendered-master-next", true);
    await scene.until("the pool to hold still", async () => !(await isPool("Updating")));
    assert.equal(await isPool("Updated"), false, "the update waits");
    const { exitCode, output } = await scene.stack.preview("--config", "onload-kmm:rebuild=2");
    assert.equal(exitCode, 0, output);
    assert.match(
      output,
      /machine config pool master is paused, and rendered-master-next waits: its nodes are rolled now/,
    );
    await scene.again("up", "--config", "onload-kmm:rebuild=2");
    await scene.assertFull();
    await target(configuration.name, false);
  });

  test("a cluster that has neither pools nor an operator of etcd is said to be one, and is rolled", async () => {
    await scene.kubectl("delete", "clusteroperators.config.openshift.io", "etcd");
    await scene.kubectl("delete", "customresourcedefinition", pools);
    const { exitCode, output } = await scene.stack.preview("--config", "onload-kmm:rebuild=3");
    assert.equal(exitCode, 0, output);
    assert.match(output, /no MachineConfigPools, as one with a hosted control plane/);
    assert.match(output, /no ClusterOperator etcd: nothing tells whether its etcd can do without node-1/);
    await scene.again("up", "--config", "onload-kmm:rebuild=3");
    await scene.assertFull();

    await scene.kubectl("delete", "customresourcedefinition", "clusteroperators.config.openshift.io");
    const without = await scene.stack.preview("--config", "onload-kmm:rebuild=4");
    assert.equal(without.exitCode, 0, without.output);
    await scene.again("up", "--config", "onload-kmm:rebuild=4");
    await scene.assertFull();
  });

  test("`destroy` has the node leave, with its own driver back", async () => {
    await scene.again("destroy");
    await scene.assertGone();
    await scene.assertOwnDriver(node);
  });

  const isPool = async (type: string): Promise<boolean> => {
    const conditions = (await scene.get(pools, "master"))?.status?.["conditions"] as { type: string; status: string }[];
    return conditions.some((each) => each.type === type && each.status === "True");
  };

  async function podOf(namespace: string, selector: string) {
    const [pod, ...more] = await scene.list("pods", "-n", namespace, "-l", selector);
    assert.deepEqual(more, []);
    return pod;
  }

  /** Names of the pods that KMM and the registry are. */
  async function serving(): Promise<string[]> {
    const all = [
      ...(await scene.list("pods", "-n", "openshift-kmm")),
      ...(await scene.list("pods", "-n", "openshift-image-registry")),
    ];
    assert.equal(all.length, 3);
    return all.map(({ metadata }) => metadata.name);
  }
});
