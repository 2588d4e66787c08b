/** A roll-out's phases, run to their end in each mode, and run again after a cut behind each act. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { annotations } from "../../../../core/names.ts";
import { rollPhases } from "../../../../core/node/phases.ts";
import type { Stored } from "../../fakeKubectl/store.ts";
import { assertRefused, pauses, rollIn } from "./runs.ts";
import { stack, type SceneSetup } from "./objects.ts";
import { Cut, Scene } from "./scene.ts";

// Hundreds of runs tell their progress.
mock.method(process.stderr, "write", () => true);

/** In which scene, with which end: a reboot, or none. */
const scenes: readonly (readonly [string, SceneSetup, { readonly boots: number; readonly state?: "pending" }])[] = [
  ["a person enrols the key", { mode: "attended" }, { boots: 2 }],
  ["the script enrols the key", { mode: "console" }, { boots: 2 }],
  ["the BMC gets the certificate", { mode: "redfish" }, { boots: 2 }],
  ["a new key, the old version still loaded", { mode: "attended", runs: "v0" }, { boots: 2 }],
  ["a key that is trusted", { mode: "attended", trusts: "mokList", runs: "v0" }, { boots: 1 }],
  ["a key in db", { mode: "redfish", trusts: "db", runs: "v0" }, { boots: 1 }],
  ["the operator has rebooted", { mode: "operator", trusts: "mokList" }, { boots: 1 }],
  ["the operator will reboot", { mode: "operator" }, { boots: 1, state: "pending" }],
  ["without Secure Boot", { mode: "off", secureBoot: "disabled" }, { boots: 1 }],
  ["nothing is drained", { mode: "attended", drain: false }, { boots: 2 }],
  ["it runs already", { mode: "attended", trusts: "mokList", runs: "v1" }, { boots: 1 }],
];

for (const [title, setup, { boots, state = "loaded" }] of scenes) {
  test(`${title}: to its end in one run`, async () => {
    const scene = new Scene(setup);
    const answer = await rollIn(scene);
    assert.deepEqual(answer, { node: "w1", state });
    assert.deepEqual(scene.violations, []);
    assert.deepEqual(scene.leases, []);
    const { node, machine } = scene.end();
    assert.deepEqual(node.annotations, { [annotations.generation]: "7" });
    assert.deepEqual(node.spec, {});
    assert.equal(machine.boots, boots);
    assert.equal(machine.driver, state === "loaded" ? "onload" : "in-tree");
    assert.equal(machine.request, state === "loaded" ? undefined : "enrol");
  });

  test(`${title}: cut behind any act and run again, it ends the same`, async () => {
    const whole = new Scene(setup);
    const answer = await rollIn(whole);
    for (const [cut, act] of whole.acts.entries()) {
      for (const pause of pauses) {
        const scene = new Scene(setup);
        await assert.rejects(rollIn(scene, cut + 1), Cut);
        scene.pass(pause);
        const where = `cut behind ${act}, run again after ${pause} s`;
        assert.deepEqual(await rollIn(scene), answer, where);
        assert.deepEqual(scene.violations, [], where);
        assert.deepEqual(scene.end(), whole.end(), where);
      }
    }
  });
}

test("cut twice, it still ends the same", async () => {
  const setup: SceneSetup = { mode: "console" };
  const whole = new Scene(setup);
  await rollIn(whole);
  for (const first of whole.acts.keys()) {
    const scene = new Scene(setup);
    await assert.rejects(rollIn(scene, first + 1), Cut);
    scene.pass(8);
    await rollIn(scene, 2).catch((error: unknown) => assert.ok(error instanceof Cut));
    await rollIn(scene);
    assert.deepEqual(scene.violations, []);
    assert.deepEqual(scene.end(), whole.end());
  }
});

for (const [maxParallel, counts] of [
  [1, false],
  [2, true],
] as const) {
  test(`with ${maxParallel} out at most, ${counts ? "nobody else counts until" : "the slot is enough for"} the cordon`, async () => {
    const scene = new Scene({ mode: "off", secureBoot: "disabled", maxParallel });
    await rollIn(scene);
    assert.equal(scene.heldAtCordon.includes("onload-kmm-count-prod"), counts);
    assert.ok(scene.heldAtCordon.includes("onload-kmm-node-w1"));
    assert.deepEqual(scene.leases, []);
  });
}

test("a node that runs its version is not taken out", async () => {
  const setup: SceneSetup = { mode: "attended", trusts: "mokList", runs: "v1" };
  const scene = new Scene(setup);
  await rollIn(scene);
  assert.equal(scene.acts.length, 1, "the generation alone");
});

test("what is noted on the node is what the list says, in its order", async () => {
  const setup: SceneSetup = { mode: "attended" };
  const scene = new Scene(setup);
  await rollIn(scene);
  const noted = rollPhases.flatMap((phase) => ("noted" in phase ? [phase.noted] : []));
  assert.deepEqual(scene.notes, noted);
});

test("somebody else's cordon stays", async () => {
  const setup: SceneSetup = { mode: "attended" };
  const scene = new Scene(setup);
  scene.change(({ spec }) => (spec.unschedulable = true));
  await rollIn(scene);
  assert.deepEqual(scene.end().node.spec, { unschedulable: true });
  assert.deepEqual(scene.end().node.annotations, { [annotations.generation]: "7" });
});

/** Why a node isn't touched. */
const refusals: readonly (readonly [string, SceneSetup, (scene: Scene) => void, RegExp])[] = [
  [
    "it isn't Ready",
    { mode: "attended" },
    (scene) => scene.change(({ status }) => (status.conditions = [])),
    /the node isn't Ready/,
  ],
  [
    "it is another machine",
    { mode: "attended" },
    (scene) => scene.change(({ status }) => (status.nodeInfo["systemUUID"] = "another")),
    /changed since this run began/,
  ],
  [
    "it doesn't answer",
    { mode: "attended" },
    ({ machine }) => (machine.away = true),
    /no SSH connection.*The node was not touched/,
  ],
  ["its key isn't trusted, and nobody enrols", { mode: "off" }, () => undefined, /enrolment\.mode is off/],
  ["the Module is gone", { mode: "attended" }, without("Module"), /somebody deleted it/],
  [
    "its image isn't signed",
    { mode: "attended" },
    (scene) =>
      scene.change((_node, objects) => {
        for (const { metadata } of objects) delete metadata.annotations?.[annotations.signed];
      }),
    /it isn't known whether .* is signed/,
  ],
  [
    "its driver is used by what no drain ends",
    { mode: "attended", trusts: "mokList", drain: false },
    () => undefined,
    /in use by nginx \(4242\) of pod default\/web/,
  ],
  [
    "another node is out",
    { mode: "attended" },
    (scene) => scene.change((node, objects) => objects.push(outNode(node))),
    /out of service: w2/,
  ],
  [
    "a health check would power-cycle it",
    { mode: "attended" },
    (scene) =>
      scene.change((_node, objects) =>
        objects.push({ kind: "NodeHealthCheck", metadata: { name: "all", uid: "u" }, spec: { selector: {} } }),
      ),
    /would power-cycle it/,
  ],
  [
    "its console can't be opened, which the script needs",
    { mode: "console" },
    ({ machine }) => (machine.trouble = { console: "the line is taken" }),
    /the line is taken/,
  ],
  [
    "its BMC refuses",
    { mode: "redfish" },
    ({ machine }) => (machine.trouble = { database: "no Secure Boot databases" }),
    /no Secure Boot databases/,
  ],
  [
    "it has no card",
    { mode: "attended", trusts: "mokList" },
    ({ machine }) => (machine.hasCard = false),
    /withoutPorts/,
  ],
];

test("neither console nor BMC is tried where the mode needs none, or the key is trusted", async () => {
  const trouble = { console: "the line is taken", database: "no Secure Boot databases" };
  for (const setup of [
    { mode: "attended" },
    { mode: "console", trusts: "mokList" },
    { mode: "redfish", trusts: "db" },
  ] as const) {
    const scene = new Scene(setup);
    scene.machine.trouble = trouble;
    assert.deepEqual(await rollIn(scene), { node: "w1", state: "loaded" });
  }
});

test("a node of which KMM says that it is loaded, but whose driver isn't live, is taken out and loaded", async () => {
  const scene = new Scene({ mode: "attended", trusts: "mokList", runs: "v1" });
  scene.machine.driver = "in-tree";
  assert.deepEqual(await rollIn(scene), { node: "w1", state: "loaded" });
  assert.equal(scene.end().machine.driver, "onload");
  assert.ok(scene.notes.includes("load"));
  assert.deepEqual(scene.violations, []);
});

test("a node that runs its version under a cordon of ours is put back into service", async () => {
  const scene = new Scene({ mode: "attended", trusts: "mokList", runs: "v1" });
  scene.change(({ spec, metadata }) => {
    spec.unschedulable = true;
    (metadata.annotations ??= {})[annotations.cordonedBy] = stack;
  });
  await rollIn(scene);
  assert.deepEqual(scene.end().node.spec, {});
});

for (const [title, setup, arrange, why] of refusals) {
  test(`refused, and nothing touched: ${title}`, async () => {
    const scene = new Scene(setup);
    arrange(scene);
    await assertRefused(rollIn, scene, why);
  });
}

function without(kind: string): (scene: Scene) => void {
  return (scene) =>
    scene.change((_node, objects) => {
      objects.splice(
        objects.findIndex((each) => each.kind === kind),
        1,
      );
    });
}

function outNode(node: Stored): Stored {
  const metadata = { ...node.metadata, name: "w2", annotations: { [annotations.cordonedBy]: stack } };
  return { ...structuredClone(node), metadata };
}

/** What fails once the node is out: it stays cordoned with its note, and the next run ends well. */
const failures: readonly (readonly [string, SceneSetup, (scene: Scene, fails: boolean) => void, string, RegExp])[] = [
  [
    "nobody knows the password",
    { mode: "attended" },
    ({ machine }, fails) => (machine.isAnswered = !fails),
    "reboot",
    /came back without the key enrolled/,
  ],
  [
    "KMM does nothing",
    { mode: "console" },
    (scene, fails) => (scene.isKmmStuck = fails),
    "load",
    /timed out after 60 s waiting for w1 to load the modules/,
  ],
];

for (const [title, setup, arrange, noted, why] of failures) {
  test(`${title}: the node stays cordoned, no generation is kept, and the next run goes on`, async () => {
    const scene = new Scene(setup);
    arrange(scene, true);
    await assert.rejects(rollIn(scene), why);
    assert.deepEqual([scene.isCordoned, scene.isOurs, scene.noted?.phase], [true, true, noted]);
    assert.equal(scene.end().node.annotations[annotations.generation], undefined);
    arrange(scene, false);
    assert.deepEqual(await rollIn(scene), { node: "w1", state: "loaded" });
    assert.deepEqual(scene.end().node.spec, {});
    assert.deepEqual(scene.violations, []);
  });
}
