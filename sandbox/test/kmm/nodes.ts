import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configuredLabel, CONTAINS_MODULES, readyLabel, versionLabel } from "../../kmm/names.ts";
import { EVENTS, MICS, MODULES, NAMESPACES, NMCS, type Node, NODES, type Pod, PODS } from "../../kmm/resources.ts";
import { Informer, type KubeObject } from "../../kube.ts";
import { KERNEL, type Lab, NEXT_KERNEL, type Scene, until } from "./lab.ts";

const NODE = "worker-1";
/** A Module without ordered upgrade and without build: its image is there, or it isn't. */
const PLAIN = { version: "", build: undefined } as unknown as Record<string, never>;
/** An in-tree module that no node has: another configuration, and nothing else. */
const CHANGED = { inTreeModulesToRemove: ["not-there"] };

/** KMM's behaviour on nodes, its defects among them. */
export function nodeDefects(lab: () => Lab): void {
  const node = (name = NODE): Promise<Node> => lab().kube.get(NODES, { name });
  const isReady = async (scene: Scene, name = NODE): Promise<boolean> =>
    (await node(name)).metadata.labels?.[readyLabel(scene.target)] !== undefined;
  const worker = async (scene: Scene, name = NODE): Promise<Pod | undefined> =>
    lab().kube.find(PODS, { namespace: scene.namespace, name: `kmm-worker-${name}-onload` });
  const nmc = async (name = NODE) => lab().kube.get(NMCS, { name });
  const entry = async (scene: Scene, name = NODE) =>
    (await nmc(name)).spec?.modules?.find(({ namespace }) => namespace === scene.namespace);
  const loaded = async (scene: Scene, name = NODE) =>
    (await nmc(name)).status?.modules?.find(({ namespace }) => namespace === scene.namespace);
  const counters = async (scene: Scene) => (await lab().kube.get(MODULES, scene.target)).status?.moduleLoader;
  const nodeInfo = (patch: Record<string, string>): Promise<unknown> =>
    lab().kube.patchStatus(NODES, { name: NODE }, { nodeInfo: patch });
  const label = (name: string, key: string, value: string | null): Promise<unknown> =>
    lab().kube.patch(NODES, { name }, { metadata: { labels: { [key]: value } } });
  const untilReady = (scene: Scene, name = NODE): Promise<unknown> =>
    until(`${scene.namespace}: ${name} to be ready`, () => isReady(scene, name));

  describe("loading", () => {
    test("a Module is loaded, labelled and counted; unloading leaves an empty NodeModulesConfig", async (t) => {
      const scene = await lab().scene(t, "loads");
      scene.pushImage("t1");
      await scene.apply("t1", PLAIN);
      await untilReady(scene);
      const found = await loaded(scene);
      assert.equal(found?.bootId, (await node()).status?.nodeInfo?.bootID);
      assert.deepEqual(found?.config, (await entry(scene))?.config);
      await until("the counters", async () => (await counters(scene))?.availableNumber === 1);
      assert.deepEqual(await counters(scene), { nodesMatchingSelectorNumber: 1, desiredNumber: 1, availableNumber: 1 });
      await lab().kube.delete(MODULES, scene.target);
      await until("the Module to go", async () => (await lab().kube.find(MODULES, scene.target)) === undefined);
      await until("the entry to go", async () => (await entry(scene)) === undefined);
      await until(
        "the NodeModulesConfig's label to go",
        async () => (await nmc()).metadata.labels?.[configuredLabel(scene.target)] === undefined,
      );
    });

    test("a versioned Module without the node's label: an empty NodeModulesConfig, zero counters absent", async (t) => {
      const scene = await lab().scene(t, "gated", { nodes: ["worker-2"] });
      await lab().kube.delete(NMCS, { name: "worker-2" });
      scene.pushImage("t1");
      await scene.apply("t1");
      const empty = await until("the NodeModulesConfig", () => lab().kube.find(NMCS, { name: "worker-2" }));
      assert.deepEqual([empty.spec?.modules ?? [], empty.metadata.ownerReferences], [[], undefined]);
      await scene.untilState("t1", "Exists");
      await until("the counters", async () => (await counters(scene))?.nodesMatchingSelectorNumber === 1);
      assert.deepEqual(await counters(scene), { nodesMatchingSelectorNumber: 1 });
    });

    test("ordered upgrade: a node stays as it is until its label moves; a mistyped label unloads it", async (t) => {
      const scene = await lab().scene(t, "ordered");
      const version = versionLabel(scene.target);
      t.after(() => label(NODE, version, null));
      scene.pushImage("t1", "1.0");
      scene.pushImage("t2", "2.0");
      await label(NODE, version, "1");
      await scene.apply("t1");
      await untilReady(scene);
      await scene.apply("t2", { version: "2" });
      await scene.untilState("t2", "Exists");
      assert.equal((await entry(scene))?.config.containerImage, scene.image("t1"));
      await label(NODE, version, "2");
      await until("t2 to be loaded", async () => (await loaded(scene))?.config.containerImage === scene.image("t2"));
      await untilReady(scene);
      await label(NODE, version, "two");
      await until("t2 to be unloaded", async () => (await loaded(scene)) === undefined);
      // Not waited for: the entry's absence is why KMM unloaded.
      assert.equal(await entry(scene), undefined);
    });
  });

  describe("reloads", () => {
    test("a change of configuration alone reloads all nodes at once, and .ready never goes", async (t) => {
      const scene = await lab().scene(t, "reload", { nodes: ["worker-1", "worker-2"] });
      scene.pushImage("t1");
      const version = versionLabel(scene.target);
      const names = ["worker-1", "worker-2"];
      t.after(() => Promise.all(names.map((name) => label(name, version, null))));
      for (const name of names) await label(name, version, "1");
      await scene.apply("t1");
      for (const name of names) await untilReady(scene, name);
      const lost: string[] = [];
      const watch = new Informer(lab().kube, NODES, {
        changed: ({ metadata }) => {
          const ready = metadata.labels?.[readyLabel(scene.target)] !== undefined;
          if (names.includes(metadata.name ?? "") && !ready) lost.push(metadata.name ?? "");
        },
      });
      t.after(() => watch.stop());
      await scene.apply("t1", CHANGED);
      for (const name of names) {
        await until(
          `${name} to be reloaded`,
          async () => (await loaded(scene, name))?.config.inTreeModulesToRemove !== undefined,
        );
      }
      assert.deepEqual(lost, []);
    });

    test("after a reboot .ready and availableNumber stay, though nothing is loaded", async (t) => {
      const scene = await lab().scene(t, "stale-ready");
      scene.pushImage("t1");
      await scene.apply("t1", { ...PLAIN, imagePullPolicy: "Always" });
      await untilReady(scene);
      await until("the counters", async () => (await counters(scene))?.availableNumber === 1);
      const bootID = (await node()).status?.nodeInfo?.bootID ?? "";
      t.after(() => nodeInfo({ bootID }));
      await lab().set({ "pull.fail": "/stale-ready/" });
      await nodeInfo({ bootID: "another-boot" });
      await until("a loader that can't pull", async () => (await worker(scene))?.status?.phase === "Pending");
      assert.deepEqual([await isReady(scene), (await counters(scene))?.availableNumber], [true, 1]);
    });

    test("a worker stuck in its init container is never replaced; deleted by hand, it is", async (t) => {
      const scene = await lab().scene(t, "stuck-worker");
      scene.pushImage("t1");
      scene.pushImage("t2");
      await scene.apply("t1", PLAIN);
      await scene.untilState("t1", "Exists");
      await untilReady(scene);
      lab().registry.remove(scene.image("t1"));
      const bootID = (await node()).status?.nodeInfo?.bootID ?? "";
      t.after(() => nodeInfo({ bootID }));
      await scene.apply("t1", { ...PLAIN, ...CHANGED, imagePullPolicy: "Always" });
      const stuck = await until("a loader that can't pull", async () => {
        const pod = await worker(scene);
        return pod?.metadata.labels?.["kmm.node.kubernetes.io/worker-action"] === "Load" && pod;
      });
      await scene.apply("t2", PLAIN);
      await until(
        "the good image in the NodeModulesConfig",
        async () => (await entry(scene))?.config.containerImage === scene.image("t2"),
      );
      // Another Module's worker comes and goes on this node, so KMM has looked at it since.
      const other = await lab().scene(t, "stuck-other");
      other.pushImage("t1");
      await other.apply("t1", PLAIN);
      await untilReady(other);
      assert.equal((await worker(scene))?.metadata.uid, stuck.metadata.uid);
      await lab().kube.delete(PODS, { namespace: scene.namespace, name: stuck.metadata.name ?? "" });
      await until("t2 to be loaded", async () => (await loaded(scene))?.config.containerImage === scene.image("t2"));
    });
  });

  describe("kernels", () => {
    test("a new kernel alone goes unnoticed by the Module; a reboot loads the old kernel's image at once", async (t) => {
      const scene = await lab().scene(t, "new-kernel");
      scene.pushImage("t1");
      await scene.apply("t1", { ...PLAIN, imagePullPolicy: "Always" });
      await untilReady(scene);
      const { bootID = "", kernelVersion = KERNEL } = (await node()).status?.nodeInfo ?? {};
      t.after(() => nodeInfo({ bootID, kernelVersion }));
      await until("the counters", async () => (await counters(scene))?.availableNumber === 1);
      await scene.settled();
      // The loader doesn't succeed, as it wouldn't for the wrong kernel: its success would make the Module look again.
      await lab().set({ "pull.fail": "/new-kernel/" });
      await nodeInfo({ kernelVersion: NEXT_KERNEL, bootID: "boot-of-next-kernel" });
      const loader = await until("the loader", () => worker(scene));
      const config = loader.metadata.annotations?.["kmm.node.kubernetes.io/worker-config"] ?? "";
      assert.match(config, new RegExp(`kernelVersion: ${KERNEL}`));
      const kernels = async (): Promise<string[] | undefined> =>
        (await lab().kube.get(MICS, scene.target)).spec.images?.map((each) => each.kernelVersion);
      assert.deepEqual(await kernels(), [KERNEL]);
      await label(NODE, "test/any-label", "changed");
      t.after(() => label(NODE, "test/any-label", null));
      await until("the Module to see the kernel", async () => (await kernels())?.includes(NEXT_KERNEL));
    });
  });

  describe("taints and deletion", () => {
    test("a cordon unloads a Module that doesn't tolerate it, and takes .ready, without an event where the taint is seen first", async (t) => {
      const scene = await lab().scene(t, "cordoned");
      scene.pushImage("t1");
      await scene.apply("t1", PLAIN);
      await untilReady(scene);
      const cordon = (unschedulable: boolean | null) =>
        lab().kube.patch(NODES, { name: NODE }, { spec: { unschedulable } });
      t.after(() => cordon(null));
      await cordon(true);
      await until("the unload", async () => (await loaded(scene)) === undefined);
      // KMM takes the label in a round of its own, before or after that of the NodeModulesConfig's status.
      await until(".ready to go", async () => !(await isReady(scene)));
      const events = async (what: string): Promise<KubeObject[]> =>
        (await lab().kube.list(EVENTS, { namespace: "default" })).items.filter(
          (event) => messageOf(event).includes("cordoned/") && messageOf(event).includes(what),
        );
      // A recorder counts an event that comes again, and makes no other.
      const loads = async (): Promise<number> =>
        (await events("loaded into")).reduce((sum, event) => sum + countOf(event), 0);
      // An event goes after its label's change, so that of the unload would be there before the next load's.
      const before = await loads();
      await cordon(false);
      await until("the event of the load after it", async () => (await loads()) > before);
      // Of two reconcilers one sees the taint, the other takes the entry away; where the latter is first, the label goes as after
      // any unload, with its event.
      const unloads = await events("unloaded from");
      assert.ok(unloads.length <= 1 && unloads.every((event) => countOf(event) === 1), JSON.stringify(unloads));
    });

    test("the namespace loses its guard while the module is still loaded, and then hangs until a reboot", async (t) => {
      const scene = await lab().scene(t, "deadlock");
      scene.pushImage("t1");
      await scene.apply("t1", PLAIN);
      await untilReady(scene);
      await assert.rejects(
        lab().kube.delete(NAMESPACES, { name: "deadlock" }),
        /admission webhook "namespace-deletion.kmm.sigs.k8s.io" denied the request: namespace contains one or more Module resources; delete those before deleting the namespace/,
      );
      await lab().set({ "node.in-use": NODE });
      await lab().kube.delete(MODULES, scene.target);
      const guard = async () =>
        (await lab().kube.get(NAMESPACES, { name: "deadlock" })).metadata.labels?.[CONTAINS_MODULES];
      await until("the guard to go", async () => (await guard()) === undefined);
      await lab().kube.delete(NAMESPACES, { name: "deadlock" });
      await until("the unloader to go with the namespace", async () => (await worker(scene)) === undefined);
      await lab().set({ "node.in-use": null });
      assert.ok((await loaded(scene)) !== undefined);
      assert.ok((await lab().kube.find(MODULES, scene.target)) !== undefined);
      const bootID = (await node()).status?.nodeInfo?.bootID ?? "";
      t.after(() => nodeInfo({ bootID }));
      await nodeInfo({ bootID: "the-way-out" });
      await until(
        "the namespace to go",
        async () => (await lab().kube.find(NAMESPACES, { name: "deadlock" })) === undefined,
      );
    });
  });
}

const countOf = (event: KubeObject): number => (event as KubeObject & { count?: number }).count ?? 1;
const messageOf = (event: KubeObject): string => (event as KubeObject & { message?: string }).message ?? "";
