import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { generationNames } from "../../../sandbox/kmm/generations.ts";
import { readyLabel, versionLabel, versionReadyLabel } from "../../../sandbox/kmm/names.ts";
import { NMCS, NODES } from "../../../sandbox/kmm/resources.ts";
import { differences } from "./differences.ts";
import { askedFor, Lab, Scene, until } from "./lab.ts";

const NODE = "worker-2";

/** All of them, on one sandbox that is upgraded from one to the next; or the one that is asked for. */
const asked = askedFor();
const names = asked === undefined ? generationNames : [asked];
let running: Lab | undefined;
const lab = (): Lab => {
  if (running === undefined) throw new Error("the sandbox is not up");
  return running;
};

/** A Module that the first of them loads. */
let scene: Scene | undefined;
const nodeLabels = async () => (await lab().kube.get(NODES, { name: NODE })).metadata.labels ?? {};
const loaded = async () =>
  (await lab().kube.get(NMCS, { name: NODE })).status?.modules?.find(({ namespace }) => namespace === scene?.namespace);

before(async () => {
  running = await Lab.start(names[0]);
  scene = new Scene(running, "long-loaded", { nodes: [NODE] });
  await scene.prepare();
  scene.pushImage("t1");
  const version = { [versionLabel(scene.target)]: "1" };
  await running.kube.patch(NODES, { name: NODE }, { metadata: { labels: version } });
  await scene.apply("t1", { build: undefined } as never);
  const ready = readyLabel(scene.target);
  await until("the first load", async () => (await nodeLabels())[ready] !== undefined);
});

after(async () => {
  await scene?.end();
  await running?.stop();
});

for (const [at, name] of names.entries()) {
  describe(`KMM ${name}`, () => {
    let known: Awaited<ReturnType<typeof loaded>>;
    before(async () => {
      known = await loaded();
      if (at > 0) await lab().upgrade(name);
    });

    differences(lab, name.replaceAll(".", ""));

    test("what was loaded before it came stays as it is", async () => {
      assert.ok(known !== undefined);
      assert.deepEqual(await loaded(), known);
    });
  });
}

async function leavings(): Promise<void> {
  const target = scene?.target ?? assert.fail("no scene");
  const now = await nodeLabels();
  const second = (label: string): string | undefined =>
    now[`beta.kmm.node.kubernetes.io/${label}.${target.namespace}.${target.name}`];
  assert.deepEqual([second("version-device-plugin"), second("version-schedule-pod")], ["1", "1"]);
  // It comes with `.ready` only, which was there already.
  assert.equal(now[versionReadyLabel(target)], undefined);
}

if (names.length > 1) test("what the first left on a node, the last leaves there too", leavings);
