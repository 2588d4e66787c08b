/** What a leaving finds, and what it does then: whom it refuses to touch, what it goes on without, and what it says. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { ToolFailure } from "../../../../steps/node/nodeMachine.ts";
import { Unreachable } from "../../../../steps/node/ssh.ts";
import { assertRefused, leaveIn } from "./runs.ts";
import { gate, ready, type SceneSetup } from "./objects.ts";
import { Cut, Scene } from "./scene.ts";

const told = mock.method(process.stderr, "write", () => true);
const lines = () => told.mock.calls.map(({ arguments: [text] }) => String(text)).join("");

const loaded = { mode: "attended", runs: "v1", trusts: "mokList" } as const;
const keyGoes = { ...loaded, removeOnDestroy: true } as const;
const inDb = { mode: "redfish", runs: "v1", trusts: "db", removeOnDestroy: true } as const;

const healthCheck = { kind: "NodeHealthCheck", metadata: { name: "all", uid: "u" }, spec: { selector: {} } };
const watched = (scene: Scene) => scene.change((_node, objects) => objects.push(healthCheck));
const unready = (scene: Scene, status = "Unknown") =>
  scene.change((node) => (node.status.conditions = [{ type: "Ready", status }]));
const gone = (scene: Scene) => scene.change((node, objects) => objects.splice(objects.indexOf(node), 1));

const refusals: readonly (readonly [string, SceneSetup, (scene: Scene) => void, RegExp])[] = [
  ["its key goes, and a health check would power-cycle it", keyGoes, watched, /would power-cycle it/],
  [
    "its key goes, and its console can't be opened, which the script needs",
    { ...keyGoes, mode: "console" },
    ({ machine }) => (machine.trouble = { console: "the line is taken" }),
    /the line is taken/,
  ],
  [
    "it can't be said who uses its modules",
    { ...loaded, drain: false },
    ({ machine }) => void mock.method(machine, "users", () => Promise.reject(new ToolFailure("w1: users.sh failed"))),
    /^w1: users\.sh failed$/,
  ],
];

for (const [title, setup, arrange, why] of refusals) {
  test(`refused, and nothing touched: ${title}`, async () => {
    const scene = new Scene(setup);
    arrange(scene);
    await assertRefused(leaveIn, scene, why);
  });
}

test("a key that stays needs neither health check nor console", async () => {
  const scene = new Scene({ ...loaded, mode: "console" });
  watched(scene);
  scene.machine.trouble = { console: "the line is taken" };
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
  assert.equal(scene.machine.boots, 1);
});

test("a run that finds the key's reboot under way asks neither again: it goes on", async () => {
  const whole = new Scene(keyGoes);
  await leaveIn(whole);
  const scene = new Scene(keyGoes);
  await assert.rejects(leaveIn(scene, whole.acts.indexOf("reboot") + 1), Cut);
  watched(scene);
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
  assert.deepEqual([scene.machine.boots, scene.machine.trusted.mokList], [2, false]);
  assert.deepEqual(scene.violations, []);
});

test("only a key that MokManager enrolled goes by a reboot", async () => {
  for (const trusts of [undefined, "db"] as const) {
    const scene = new Scene({ mode: "attended", removeOnDestroy: true, ...(trusts !== undefined && { trusts }) });
    await leaveIn(scene);
    assert.equal(scene.machine.boots, 1);
    assert.equal(scene.machine.request, undefined);
  }
});

test("a machine that can't be asked leaves with its key, and says why", async () => {
  for (const failure of [new ToolFailure("w1: state.sh failed on the node: disk full"), undefined]) {
    told.mock.resetCalls();
    const scene = new Scene(keyGoes);
    if (failure === undefined) scene.machine.away = true;
    else mock.method(scene.machine, "state", () => Promise.reject(failure), { times: 1 });
    if (failure === undefined) unready(scene);
    const { left } = await leaveIn(scene);
    assert.equal(left, failure === undefined ? "not ready" : "unloaded");
    assert.equal(scene.machine.trusted.mokList, true);
    const why = failure?.message ?? "it isn't Ready";
    assert.ok(lines().includes(`w1: leaves with the key still in its MokList: ${why}`), lines());
  }
});

test("a mistake of this program's is none of the machine's: it ends the run", async () => {
  const scene = new Scene(keyGoes);
  mock.method(scene.machine, "state", () => Promise.reject(new TypeError("x is not a function")));
  await assert.rejects(leaveIn(scene), TypeError);
  assert.deepEqual(scene.acts, []);
});

test("a machine that SSH doesn't reach is unloaded by KMM all the same, and stays cordoned until its driver is known", async () => {
  const scene = new Scene({ ...loaded, drain: false });
  scene.evict();
  const away = () => Promise.reject(new Unreachable("w1: 10.0.0.1: no SSH connection"));
  const mocked = (["state", "users", "revokeRequests", "loadKernelDriver"] as const).map((method) =>
    mock.method(scene.machine, method, away),
  );
  await assert.rejects(leaveIn(scene), {
    id: "OKMM-DRIVER-MISSING",
    message: /no SSH connection; the node stays cordoned/,
  });
  assert.deepEqual(scene.end().kmm, { ...scene.end().kmm, spec: { modules: [] }, status: { modules: [] } });
  assert.deepEqual([scene.isCordoned, scene.isOurs], [true, true]);

  mocked.forEach(({ mock: each }) => each.restore());
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
  assert.deepEqual([scene.isCordoned, scene.end().machine.driver], [false, "in-tree"]);
});

test("a node that is gone: the BMC is told to take the certificate out where that is wanted, and only there", async () => {
  for (const setup of [inDb, { ...inDb, removeOnDestroy: false }, { ...keyGoes, mode: "console" }] as const) {
    told.mock.resetCalls();
    const scene = new Scene(setup);
    gone(scene);
    assert.deepEqual(await leaveIn(scene), { node: "w1", left: "gone" });
    assert.equal(scene.machine.dbOrder, setup === inDb ? "remove" : undefined);
    assert.match(lines(), /w1: the node is gone; nothing to unload\n/);
  }
});

test("a certificate in db stays where nobody wants it out", async () => {
  const scene = new Scene({ ...inDb, removeOnDestroy: false });
  await leaveIn(scene);
  assert.equal(scene.machine.dbOrder, undefined);
  assert.equal(scene.machine.trusted.db, true);
});

test("a dead node is said to keep KMM's Module until its next boot", async () => {
  told.mock.resetCalls();
  const scene = new Scene(loaded);
  scene.machine.away = true;
  unready(scene);
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "not ready" });
  assert.match(lines(), /w1: KMM unloads the modules\n/);
  assert.match(lines(), /and the node isn't Ready\n/);
  assert.match(lines(), /w1: isn't Ready and leaves as it is: its next boot unloads the modules/);
  assert.ok(!scene.acts.includes("load the kernel's driver"), "nobody can ask a dead machine");
});

test("a node whose modules KMM doesn't unload ends the run with where to look, and stays cordoned", async () => {
  const scene = new Scene(loaded);
  scene.isKmmStuck = true;
  await assert.rejects(leaveIn(scene), {
    id: "OKMM-UNLOAD-TIMEOUT",
    message:
      /^timed out after 60 s waiting for w1 to unload the modules: KMM reports it as loaded; look at pod kmm-worker-w1-onload in onload-kmm: .*raise onload-kmm:rollout\.loadTimeoutMinutes$/,
  });
  assert.deepEqual([scene.isCordoned, scene.isOurs], [true, true]);
  scene.isKmmStuck = false;
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
  assert.equal(scene.end().machine.driver, "in-tree");
});

test("in operator mode a deletion is asked for only where the key must go, and said", async () => {
  for (const removeOnDestroy of [true, false]) {
    told.mock.resetCalls();
    const scene = new Scene({ mode: "operator", runs: "v1", trusts: "mokList", removeOnDestroy });
    await leaveIn(scene);
    assert.equal(scene.machine.request, removeOnDestroy ? "delete" : undefined);
    assert.equal(/MokManager will ask to delete the key at the next reboot/.test(lines()), removeOnDestroy);
  }
});

test("requests that can't be taken back are told, and the node leaves; a mistake of this program's ends the run", async () => {
  told.mock.resetCalls();
  const scene = new Scene({ ...loaded, requested: true });
  mock.method(scene.machine, "revokeRequests", () => Promise.reject(new ToolFailure("w1: revoke.sh failed")));
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
  assert.match(lines(), /w1: requests to MokManager could not be checked: w1: revoke\.sh failed\n/);

  const broken = new Scene(loaded);
  mock.method(broken.machine, "revokeRequests", () => Promise.reject(new TypeError("x is not a function")));
  await assert.rejects(leaveIn(broken), TypeError);
});

test("a node that was never touched isn't asked for a driver", async () => {
  const scene = new Scene({ mode: "attended" });
  scene.machine.driver = "none";
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
  assert.equal(scene.machine.driver, "none", "what somebody else did to it stays");
});

test("a node that still bears the gate's label, though KMM has nothing on it, gets the kernel's driver", async () => {
  const scene = new Scene({ mode: "attended", runs: "v1" });
  scene.machine.driver = "none";
  scene.change(({ metadata }, objects) => {
    Reflect.deleteProperty(metadata.labels ?? {}, ready);
    for (const each of objects) {
      if (each.kind === "NodeModulesConfig") Object.assign(each, { spec: { modules: [] }, status: { modules: [] } });
    }
  });
  await leaveIn(scene);
  assert.equal(scene.machine.driver, "in-tree");
});

test("a node whose ports stay without interfaces, in a boot of its own too, leaves the stack but stays cordoned", async () => {
  told.mock.resetCalls();
  const scene = new Scene(loaded);
  mock.method(scene.machine, "loadKernelDriver", () => Promise.resolve());
  await assert.rejects(leaveIn(scene), { id: "OKMM-DRIVER-MISSING" });
  assert.deepEqual([scene.isCordoned, scene.isOurs], [true, true]);

  scene.machine.boots += 1;
  scene.change(({ status }) => (status.nodeInfo["bootID"] = scene.machine.bootId));
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
  assert.deepEqual([scene.isCordoned, scene.isOurs], [true, false], "whoever repairs it uncordons it");
  assert.match(lines(), /w1: stays cordoned: .*, in a boot without OpenOnload; fix it, then uncordon w1\n/);
  assert.match(lines(), /w1: left cordoned: uncordon it once it is repaired\n$/);
});

test("modules that are still held after the drain aren't touched: KMM would fail, and the node keeps its driver", async () => {
  const scene = new Scene(loaded);
  // A process that outlives its pod.
  scene.machine.holder = () => "uid-web";
  await assert.rejects(leaveIn(scene), { id: "OKMM-UNLOAD-INUSE", message: /in use by nginx \(4242\)/ });
  const { node, machine } = scene.end();
  assert.equal(node.labels?.[gate], "v1", "KMM wasn't asked to unload");
  assert.equal(machine.driver, "onload");
  assert.deepEqual([scene.isCordoned, scene.isOurs], [true, true]);
  scene.machine.holder = () => undefined;
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "unloaded" });
});

test("a node that goes away while its key is being deleted is told as such, and let go by the next run", async () => {
  const scene = new Scene(keyGoes);
  const reads = mock.method(scene.machine, "requestDeletion", () => Promise.resolve(true));
  mock.method(scene.machine, "reboot", () => {
    gone(scene);
    return Promise.resolve("0001");
  });
  await assert.rejects(leaveIn(scene), { id: "OKMM-NODE-GONE", message: /went away while its key was being deleted/ });
  assert.equal(reads.mock.callCount(), 1);
  assert.deepEqual(await leaveIn(scene), { node: "w1", left: "gone" });
});
