/** A leaving's phases, run to their end in each mode, and run again after a cut behind each act. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { annotations, labels } from "../../../../core/names.ts";
import { leavePhases } from "../../../../core/node/phases.ts";
import { StepError } from "../../../../steps/lib/step.ts";
import { leaveIn, pauses, rollIn } from "./runs.ts";
import { gate, stack, type SceneSetup } from "./objects.ts";
import { Cut, Scene } from "./scene.ts";

// Hundreds of runs tell their progress.
mock.method(process.stderr, "write", () => true);

/** What is left of it in the firmware, and how often the machine booted. */
interface End {
  readonly boots: number;
  readonly mokList?: boolean;
  readonly request?: "delete";
  readonly dbOrder?: "remove";
}

const scenes: readonly (readonly [string, SceneSetup, End])[] = [
  ["the key stays", { mode: "attended", runs: "v1", trusts: "mokList" }, { boots: 1, mokList: true }],
  [
    "a person deletes the key",
    { mode: "attended", runs: "v1", trusts: "mokList", removeOnDestroy: true },
    { boots: 2, mokList: false },
  ],
  [
    "the script deletes the key",
    { mode: "console", runs: "v1", trusts: "mokList", removeOnDestroy: true },
    { boots: 2, mokList: false },
  ],
  [
    "the operator will delete the key",
    { mode: "operator", runs: "v1", trusts: "mokList", removeOnDestroy: true },
    { boots: 1, mokList: true, request: "delete" },
  ],
  [
    "the BMC takes the certificate out",
    { mode: "redfish", runs: "v1", trusts: "db", removeOnDestroy: true },
    { boots: 1, dbOrder: "remove" },
  ],
  ["without Secure Boot", { mode: "off", runs: "v1", secureBoot: "disabled" }, { boots: 1 }],
  [
    "nothing is drained",
    { mode: "attended", runs: "v1", trusts: "mokList", drain: false },
    { boots: 1, mokList: true },
  ],
  ["nothing was loaded, nor asked", { mode: "attended" }, { boots: 1 }],
  ["nothing was loaded, the key was asked for", { mode: "attended", requested: true }, { boots: 1 }],
  [
    "nothing was loaded, a person deletes the key",
    { mode: "attended", trusts: "mokList", removeOnDestroy: true },
    { boots: 2, mokList: false },
  ],
];

/** Nobody holds what a drain wouldn't end. */
function prepared(setup: SceneSetup): Scene {
  const scene = new Scene(setup);
  if (setup.drain === false) scene.evict();
  return scene;
}

function assertLeft(scene: Scene, { boots, mokList = false, request, dbOrder }: End): void {
  const { node, kmm, machine } = scene.end();
  assert.deepEqual(node, { labels: { [labels.stack]: stack }, annotations: {}, spec: {} });
  assert.deepEqual([kmm.spec.modules, kmm.status.modules], [[], []]);
  assert.equal(machine.driver, "in-tree");
  assert.equal(machine.boots, boots);
  assert.equal(machine.trusted.mokList, mokList);
  assert.deepEqual([machine.request, machine.dbOrder], [request, dbOrder]);
  assert.deepEqual([machine.away, machine.inMokManager], [false, false]);
  assert.deepEqual(scene.violations, []);
}

for (const [title, setup, end] of scenes) {
  test(`${title}: to its end in one run`, async () => {
    const scene = prepared(setup);
    assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
    assertLeft(scene, end);
    assert.deepEqual(scene.leases, []);
  });

  test(`${title}: cut behind any act and run again, it ends the same`, async () => {
    const whole = prepared(setup);
    await leaveIn(whole);
    for (const [cut, act] of whole.acts.entries()) {
      for (const pause of pauses) {
        const scene = prepared(setup);
        await assert.rejects(leaveIn(scene, cut + 1), Cut);
        scene.pass(pause);
        const where = `cut behind ${act}, run again after ${pause} s`;
        assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" }, where);
        assert.deepEqual(scene.violations, [], where);
        assert.deepEqual(scene.end(), whole.end(), where);
      }
    }
  });
}

const rolls: readonly SceneSetup[] = [
  { mode: "attended" },
  { mode: "console", runs: "v0" },
  { mode: "redfish" },
  { mode: "attended", trusts: "mokList", runs: "v0" },
];

for (const setup of rolls) {
  const from = setup.runs === undefined ? "" : `, from ${setup.runs}`;
  const by = setup.trusts === undefined ? `the key by ${setup.mode}` : "the key trusted";
  test(`a roll-out that was cut behind any act (${by}${from}): the node leaves, with the driver that it had`, async () => {
    const whole = new Scene(setup);
    await rollIn(whole);
    for (const cut of whole.acts.keys()) {
      const scene = new Scene(setup);
      await assert.rejects(rollIn(scene, cut + 1), Cut);
      // Its reboot is over by then, but where the script went that would have answered MokManager: dead, it is let go.
      scene.pass(600);
      await leaveIn(scene);
      const { node, machine } = scene.end();
      assert.equal(node.annotations[annotations.roll], undefined);
      assert.equal(node.annotations[annotations.cordonedBy], undefined);
      assert.deepEqual([node.spec, node.labels?.[gate]], [{}, undefined]);
      assert.equal(machine.driver, machine.inMokManager ? "none" : "in-tree");
      assert.equal(machine.inMokManager, setup.mode === "console" && whole.acts[cut] === "reboot");
      assert.equal(machine.request === undefined, !machine.inMokManager);
      assert.deepEqual(scene.violations, []);
    }
  });
}

test("what is noted on the node is what the list says, in its order", async () => {
  const scene = new Scene({ mode: "attended", runs: "v1", trusts: "mokList", removeOnDestroy: true });
  await leaveIn(scene);
  const noted = leavePhases.flatMap((phase) => ("noted" in phase ? [phase.noted] : []));
  // A phase that is noted already is no second note; the driver needs none after a reboot.
  assert.deepEqual(scene.notes, [...new Set(noted)]);
});

test("a node that is gone is let go without a write", async () => {
  const scene = new Scene({ mode: "attended", runs: "v1", trusts: "mokList" });
  scene.change((node, objects) => objects.splice(objects.indexOf(node), 1));
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "gone" });
  assert.deepEqual(scene.acts, []);
});

test("a node that is dead is let go as it is", async () => {
  const scene = new Scene({ mode: "attended", runs: "v1", trusts: "mokList" });
  scene.machine.away = true;
  scene.change(({ status }) => (status.conditions = [{ type: "Ready", status: "Unknown" }]));
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "not ready" });
  const { node } = scene.end();
  assert.deepEqual([node.annotations, node.spec], [{}, {}]);
  assert.ok(!scene.acts.some((act) => act.startsWith("drain")), "nothing on it answers an eviction");
});

test("a node whose key stays in MokManager's list stays cordoned, and the next run goes on", async () => {
  const scene = new Scene({ mode: "attended", runs: "v1", trusts: "mokList", removeOnDestroy: true });
  scene.machine.isAnswered = false;
  await assert.rejects(leaveIn(scene), /came back with the key still enrolled/);
  assert.deepEqual([scene.isCordoned, scene.isOurs, scene.noted?.phase], [true, true, "remove"]);
  scene.machine.isAnswered = true;
  await leaveIn(scene);
  assertLeft(scene, { boots: 3, mokList: false });
});

test("a node whose modules are used by what no drain ends isn't touched", async () => {
  const scene = new Scene({ mode: "attended", runs: "v1", trusts: "mokList", drain: false });
  const before = scene.end();
  await assert.rejects(leaveIn(scene), (error: unknown) => error instanceof StepError && /in use/.test(error.message));
  assert.deepEqual(scene.acts, []);
  assert.deepEqual(scene.end(), before);
});
