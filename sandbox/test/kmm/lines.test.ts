import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { up } from "../../controlPlane/lifecycle.ts";
import { readState } from "../../controlPlane/state.ts";
import { lineNames } from "../../kmm/lines.ts";
import { readyLabel, versionLabel, versionReadyLabel } from "../../kmm/names.ts";
import { NMCS, NODES } from "../../kmm/resources.ts";
import { differences } from "./differences.ts";
import { askedFor, Lab, Scene, until } from "./lab.ts";

const NODE = "worker-2";

/** All of them, on one sandbox that is upgraded from one to the next; or the one that is asked for. */
const asked = askedFor();
const names = asked === undefined ? lineNames : [asked];
let running: Lab | undefined;
const lab = (): Lab => {
  if (running === undefined) throw new Error("the sandbox is not up");
  return running;
};

/** The one that names Builds, and their labels, in another way than the one before. */
const RENAMING = "2.4";

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
    let running: Scene | undefined;
    before(async () => {
      known = await loaded();
      if (name === RENAMING && at > 0) running = await whileBuilding();
      if (at > 0) await lab().upgrade(name);
    });
    after(() => running?.end());

    if (name === RENAMING && at > 0) {
      test("a build that runs since before isn't seen: another begins beside it", async () => {
        const scene = running ?? assert.fail("no scene");
        const [first, second] = await until("another build", async () => {
          const living = await scene.livingBuilds();
          return (
            living.length > 1 && living.map(({ metadata }) => metadata.name ?? "").sort((a, b) => a.length - b.length)
          );
        });
        assert.match(`${first ?? ""} ${second ?? ""}`, /^onload-build-\w{5} onload-build-5-14-0-\S+-x86-64$/);
        await lab().set({ "build.hang": null });
        await scene.untilState("t1", "Exists");
      });
    }

    differences(lab, name.replaceAll(".", ""));

    test("what was loaded before it came stays as it is", async () => {
      assert.ok(known !== undefined);
      assert.deepEqual(await loaded(), known);
    });
  });
}

/** A Module whose build runs until the switch is off. */
async function whileBuilding(): Promise<Scene> {
  const building = new Scene(lab(), "while-building", {});
  await building.prepare();
  await lab().set({ "build.hang": "^while-building/" });
  await building.apply("t1");
  await until("the build to run", async () => (await building.livingBuilds())[0]?.status?.phase === "Running");
  return building;
}

/** The node's labels, and what the sandbox itself remembers, after all upgrades. */
function afterAll(): void {
  test("what the first left on a node, the last leaves there too", async () => {
    const target = scene?.target ?? assert.fail("no scene");
    const now = await nodeLabels();
    const second = (label: string): string | undefined =>
      now[`beta.kmm.node.kubernetes.io/${label}.${target.namespace}.${target.name}`];
    assert.deepEqual([second("version-device-plugin"), second("version-schedule-pod")], ["1", "1"]);
    // It comes with `.ready` only, which was there already.
    assert.equal(now[versionReadyLabel(target)], undefined);
  });

  test("the sandbox keeps its KMM, and takes no older one", async () => {
    const { dir } = lab().sandbox;
    assert.deepEqual(await up(dir, {}), []);
    await assert.rejects(up(dir, { kmm: "2.4.1" }), /can't be taken back to an older version/);
    await lab().sandbox.restart("stand-ins");
    assert.equal((await readState(dir))?.kmm, "2.7");
    const version = ["get", "csv", "-n", "openshift-kmm", "-o", "jsonpath={.items[*].spec.version}"];
    assert.equal(await lab().sandbox.kubectl(version), lab().line.version);
  });
}

if (names.length > 1) afterAll();
