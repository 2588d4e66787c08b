/** A node that doesn't answer over SSH: which phase it is in decides whether that is a reboot of ours. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { StepError } from "../../../../steps/lib/step.ts";
import { ToolFailure } from "../../../../steps/node/nodeMachine.ts";
import { rollIn } from "./runs.ts";
import { Cut, Scene } from "./scene.ts";

mock.method(process.stderr, "write", () => true);

const setup = { mode: "attended" } as const;

/** A scene whose run was cut right behind the act. */
async function cutBehind(act: RegExp): Promise<Scene> {
  const whole = new Scene(setup);
  await rollIn(whole);
  const index = whole.acts.findIndex((done) => act.test(done));
  assert.notEqual(index, -1, whole.acts.join("\n"));
  const scene = new Scene(setup);
  await assert.rejects(rollIn(scene, index + 1), Cut);
  return scene;
}

test("in the reboot that was noted it is waited for: it is neither drained nor rebooted once more", async () => {
  const scene = await cutBehind(/^reboot$/);
  scene.pass(5);
  assert.ok(scene.machine.away);
  const before = scene.acts.length;
  assert.deepEqual(await rollIn(scene), { node: "w1", state: "loaded" });
  const since = scene.acts.slice(before);
  assert.ok(since.length > 0);
  assert.deepEqual(
    since.filter((act) => /^(drain|reboot)/.test(act)),
    [],
  );
  assert.equal(scene.machine.boots, 2);
});

test("in any other phase it isn't: the run ends, the node stays cordoned, and says how to continue without it", async () => {
  const scene = await cutBehind(/^drain/);
  scene.machine.away = true;
  const before = scene.acts.length;
  await assert.rejects(rollIn(scene), {
    id: "OKMM-SSH-AWAY",
    message: /no SSH connection .*\. The node stays cordoned; set its `hold: true` to continue without it$/,
  });
  assert.equal(scene.acts.length, before);
  assert.ok(scene.isCordoned);
});

test("a tool that fails on the node is no reboot, whatever was noted", async () => {
  const scene = await cutBehind(/^reboot$/);
  const failure = new ToolFailure("w1: state.sh failed on the node (exit code 1): disk full");
  mock.method(scene.machine, "state", () => Promise.reject(failure));
  await assert.rejects(rollIn(scene), (error: unknown) => {
    assert.ok(error instanceof StepError);
    assert.equal(error, failure);
    return true;
  });
});
