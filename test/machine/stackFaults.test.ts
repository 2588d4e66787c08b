/**
 * What goes wrong while the firmware is asked, through the program and on a real machine: `up` recognises it, reports it, leaves
 * the node cordoned, and the next `up` continues. One machine, one story: each test continues where the last one stopped.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Machine } from "@onload-kmm/secure-boot/machine";
import { NodeInStack } from "./nodeInStack.ts";
import { ScreenRecorder } from "@onload-kmm/secure-boot/screens";

describe("a stack whose machine isn't answered as it should be", () => {
  let scene: NodeInStack;
  let machine: Machine;
  const recorder = new ScreenRecorder();

  before(async () => {
    scene = await NodeInStack.open();
    ({ machine } = scene);
  });
  after(async () => {
    await scene.close();
    await recorder.save("stackFaults");
  });

  test("attended: up says who is waited for, MokManager waits indefinitely, and a wrong password is reported and left for a person", async () => {
    await scene.setEnrolment({ mode: "attended" });
    const running = scene.stack.up();
    await Promise.race([machine.waitForConsole(/Enroll hash from disk/), running]);
    const open = machine.serialLog().length;
    // Longer than the ten seconds after which it would boot on.
    await delay(12_000);
    assert.doesNotMatch(machine.serialLog().slice(open), /Booting in|EFI stub/);
    const outcome = await scene.typeAtConsole(
      "Another1password",
      recorder.story("With another password than the request's"),
    );
    assert.equal(outcome.kind, "refused");
    assert.match(outcome.reason, /did not accept the password/);
    assert.equal(outcome.left, "boots on");
    assert.match(outcome.screens, /Password doesn't match/);
    assert.doesNotMatch(outcome.screens, /Another1password/);
    await machine.waitForBoot();

    const { exitCode, output } = await running;
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /machine: MokManager is waiting on its console \(tcp:127\.0\.0\.1:\d+\); this run waits 30 min/,
    );
    assert.match(output, /machine: came back without the key enrolled \(not-enrolled\)/);
    assert.match(output, /The node stays cordoned; run `pulumi up` again, with somebody at the console/);
    assert.doesNotMatch(output, /Another1password/);
    assert.equal(await scene.node(".spec.unschedulable"), "true");
  });

  test("console: the next up requests again; the power goes while MokManager is open, which up sees, reports, and leaves for a person", async () => {
    await scene.setEnrolment({ mode: "console" });
    const running = scene.stack.up();
    await Promise.race([machine.waitForConsole(/Enroll hash from disk/), running]);
    await machine.reset();
    const { exitCode, output } = await running;

    assert.notEqual(exitCode, 0, output);
    assert.match(output, /machine: key not-enrolled, enrolment requested again/);
    assert.match(output, /machine: the console script gave up: MokManager offers `Reset MOK`/);
    assert.match(output, /The node stays cordoned; look at its console, then run `pulumi up` again/);
    assert.equal(await scene.node(".spec.unschedulable"), "true");
  });

  test("the next up recovers from that", async () => {
    const { exitCode, output } = await scene.stack.up();
    assert.equal(exitCode, 0, output);
    const [proof] = await scene.proofs();
    assert.deepEqual([proof?.state, proof?.secureBoot, proof?.key], ["proven", "enabled", "enrolled"]);
    assert.equal(await scene.node(".spec.unschedulable"), "");
  });
});
