import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readyLabel, versionLabel, versionReadyLabel } from "../../kmm/names.ts";
import { NMCS, NODES, type NodeModulesConfig, type Pod, PODS } from "../../kmm/resources.ts";
import { Informer } from "../../kube.ts";
import { type Lab, type Scene, until } from "./lab.ts";

const NODE = "worker-1";
const BUILT_ELSEWHERE = { build: undefined } as unknown as Record<string, never>;

/** What differs on nodes: labels, and the pods that load and unload. */
export function nodeDifferences(lab: () => Lab, mark: string): void {
  const labels = async (): Promise<Record<string, string>> =>
    (await lab().kube.get(NODES, { name: NODE })).metadata.labels ?? {};
  const setVersion = (scene: Scene, value: string | null): Promise<unknown> =>
    lab().kube.patch(NODES, { name: NODE }, { metadata: { labels: { [versionLabel(scene.target)]: value } } });
  const loaded = async (
    scene: Scene,
  ): Promise<NonNullable<NonNullable<NodeModulesConfig["status"]>["modules"]>[0] | undefined> =>
    (await lab().kube.get(NMCS, { name: NODE })).status?.modules?.find(
      ({ namespace }) => namespace === scene.namespace,
    );

  describe(`nodes of ${mark}`, () => {
    test("labels, mounts and annotations of a load and an unload", async (t) => {
      const scene = await lab().scene(t, `node-${mark}`);
      const workers = new Map<string, Pod>();
      const changed = (pod: Pod): unknown =>
        workers.set(pod.metadata.labels?.["kmm.node.kubernetes.io/worker-action"] ?? "", pod);
      const informer = new Informer(lab().kube, PODS, { changed }, { namespace: scene.namespace });
      t.after(() => informer.stop());
      scene.pushImage("t1");
      await setVersion(scene, "1");
      t.after(() => setVersion(scene, null));
      const modprobe = { moduleName: "onload", modulesLoadingOrder: ["onload", "sfc"] };
      await scene.apply("t1", { ...BUILT_ELSEWHERE, modprobe });
      await until("the load", async () => (await labels())[readyLabel(scene.target)] !== undefined);
      const { versionReady, secondVersionLabel, mountsUsrLibModules, unloadsAtOnce } = lab().line;
      const key = `${scene.namespace}.onload`;
      const second = `beta.kmm.node.kubernetes.io/${secondVersionLabel}.${key}`;
      const onNode = await until("the second label", async () => {
        const now = await labels();
        return now[second] === "1" && now;
      });
      const version = versionReady ? "1" : undefined;
      assert.deepEqual([onNode[versionReadyLabel(scene.target)], (await loaded(scene))?.version], [version, version]);
      await setVersion(scene, null);
      await until("the unload", async () => (await loaded(scene)) === undefined);
      await until("the labels to go", async () => Object.keys(await labels()).every((each) => !each.includes(key)));
      await until("both workers to have been seen", () =>
        Promise.resolve(workers.has("Load") && workers.has("Unload")),
      );
      const ordered = (action: string): boolean =>
        workers.get(action)?.metadata.annotations?.["kmm.node.kubernetes.io/modules-order"] !== undefined;
      assert.deepEqual([ordered("Load"), ordered("Unload")], [true, !unloadsAtOnce]);
      assert.equal(JSON.stringify(workers.get("Load")?.spec).includes("/usr/lib/modules"), mountsUsrLibModules);
    });
  });
}
