/** MokManager that gets no answer, a wrong one, or isn't the MokManager that was asked for. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { start } from "../running.ts";
import { Enrolling } from "./enrolling.ts";

const both = ["worker-1", "worker-2"];

/** Minutes after which a node that waits in MokManager is given up; a run that goes well takes a few seconds of it. */
const short = { timeoutMinutes: 0.5 };
const long = { timeoutMinutes: 15 };

describe("MokManager", { concurrency: false }, () => {
  let nodes: Enrolling;

  before(async () => {
    nodes = await Enrolling.start({ nodes: 2, mode: "attended" });
  });
  after(() => nodes.end());

  test("left without input: `up` gives up in time, nothing else starts; the second one goes on where it waits", async () => {
    await nodes.limit(short);
    const output = await nodes.fails(
      /worker-1: MokManager waits on its console \(tcp:127\.0\.0\.1:\d+\), here for 0\.5 min/,
      /worker-1 to come back: not after 30 s: a new boot; the node stays cordoned; look at its console/,
    );
    assert.doesNotMatch(output, /worker-2: cordoned/);
    await nodes.assertCordoned("worker-1");
    assert.equal((await nodes.machine("worker-1")).power, "mok-manager");
    await nodes.limit(long);
    await nodes.mended(...both);
    assert.equal(await nodes.boots("worker-1"), 1);
  });

  test("booted on by hand: the node comes back with the key not enrolled, and the second `up` asks again", async () => {
    await nodes.renew("worker-1");
    const choosing = nodes.bootOn("worker-1");
    await nodes.fails(
      /worker-1: came back without the key enrolled \(not-enrolled\): MokManager was left without the password/,
      /The node stays cordoned; run `pulumi up` again, with somebody at the console/,
    );
    await choosing;
    await nodes.assertCordoned("worker-1");
    await nodes.mended(...both);
  });

  test("a wrong password: MokManager refuses it, and the second `up` asks again", async () => {
    await nodes.renew("worker-1");
    const person = nodes.attend(["worker-1"], "notThePassword1");
    await nodes.fails(/worker-1: came back without the key enrolled/);
    await person.leave();
    assert.ok(person.said.includes("MokManager refuses; gives up"), person.said.join("; "));
    await nodes.assertCordoned("worker-1");
    await nodes.mended(...both);
  });

  test("power lost with MokManager open, a person there: `Reset MOK` is not chosen, and the second `up` asks again", async () => {
    await nodes.renew("worker-1");
    const open = nodes.mokManager("worker-1");
    const running = start(nodes.scene.stack, "up");
    await open;
    const person = nodes.attend(["worker-1"]);
    await nodes.hand("worker-1", "reset");
    const { exitCode, output } = await running.end();
    await person.leave();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /worker-1: came back without the key enrolled/);
    assert.ok(person.said.some((line) => line.startsWith("Reset MOK is not what was asked for")));
    await nodes.assertCordoned("worker-1");
    await nodes.mended(...both);
  });

  test("power lost with MokManager open, the script there: it refuses `Reset MOK`, and the second `up` asks again", async () => {
    await nodes.renew("worker-1");
    await nodes.limit({ mode: "console" });
    const running = start(nodes.scene.stack, "up");
    assert.ok(await running.says(/worker-1: console: MokManager: choose `Enroll MOK`/), running.output);
    await nodes.hand("worker-1", "reset");
    const { exitCode, output } = await running.end();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /the console script gave up: MokManager offers `Reset MOK`, which would delete every/);
    await nodes.assertCordoned("worker-1");
    await nodes.mended();
  });
});
