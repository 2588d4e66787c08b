/** MokManager that gets no answer, a wrong one, or isn't the MokManager that was asked for. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { after, before, describe, test, type TestContext } from "node:test";
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
      /worker-1: MokManager is waiting on its console \(tcp:127\.0\.0\.1:\d+\); this run waits 0\.5 min/,
      /timed out after 30 s waiting for worker-1 to come back: a new boot; the node stays cordoned; look at its console/,
    );
    assert.doesNotMatch(output, /worker-2: cordoned/);
    await nodes.assertCordoned("worker-1");
    assert.equal((await nodes.machine("worker-1")).power, "mok-manager");
    await nodes.limit(long);
    await nodes.recovers(...both);
    assert.equal(await nodes.boots("worker-1"), 1);
  });

  test("booted on by hand: the node comes back with the key not enrolled, and the second `up` asks again", async () => {
    await nodes.renew("worker-1");
    const choosing = nodes.bootOn("worker-1");
    await nodes.fails(
      /worker-1: came back without the key enrolled \(not-enrolled\): nobody gave MokManager the password/,
      /The node stays cordoned; run `pulumi up` again, with somebody at the console/,
    );
    await choosing;
    await nodes.assertCordoned("worker-1");
    await nodes.recovers(...both);
  });

  test("a wrong password: MokManager refuses it, and the second `up` asks again", async () => {
    await nodes.renew("worker-1");
    const person = nodes.attend(["worker-1"], "notThePassword1");
    await nodes.fails(/worker-1: came back without the key enrolled/);
    await person.leave();
    assert.ok(person.said.includes("MokManager refuses; gives up"), person.said.join("; "));
    await nodes.assertCordoned("worker-1");
    await nodes.recovers(...both);
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
    await nodes.recovers(...both);
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
    await nodes.recovers();
  });

  test("a console that can't be used: the node isn't touched, and the second `up` enrols", async () => {
    await nodes.renew("worker-1");
    await nodes.configureNode("worker-1", {
      console: "echo SOL payload already active on another session; exit 1",
    });
    const boots = await nodes.boots("worker-1");
    await nodes.fails(
      /worker-1: its console can't be used: the console command ended \(exit code 1\) \(it showed: SOL payload already active/,
      /; the node was not touched\. Fix what its `console` names/,
    );
    assert.equal(await nodes.boots("worker-1"), boots);
    await nodes.assertCordoned();
    await nodes.configureNode("worker-1", { console: `tcp:127.0.0.1:${nodes.consolePort("worker-1")}` });
    await nodes.recovers();
  });

  test("a console that is lost when MokManager opens is opened again, and the node enrolled", async (t) => {
    await nodes.renew("worker-1");
    await nodes.configureNode("worker-1", { console: await droppingConsole(t, nodes.consolePort("worker-1")) });
    assert.match(await nodes.recovers(), /worker-1: console: the console was closed; opening it again/);
  });

  test("another key while the node stands in MokManager: the script finds it there, and the next `up` asks for that key", async () => {
    await nodes.renew("worker-1");
    await nodes.limit({ mode: "attended", ...short });
    await nodes.fails(/timed out after 30 s waiting for worker-1 to come back: a new boot/);
    assert.equal((await nodes.machine("worker-1")).power, "mok-manager");

    await nodes.limit({ mode: "console", ...long });
    await nodes.configureNode("worker-1", { console: `tcp:127.0.0.1:${nodes.consolePort("worker-1")}` });
    await nodes.configure((config) => {
      config["onload-kmm:signing"] = { subject: "another key" };
    });
    const output = await nodes.fails(
      /worker-1: an earlier run is rebooting it; the roll-out requests the enrolment once it is back/,
      /worker-1: the console script gave up: the request holds a key that isn't this stack's/,
    );
    assert.doesNotMatch(output, /steps\/importKey\.ts":/);
    await nodes.assertCordoned("worker-1");
    await nodes.recovers();
  });
});

/** A BMC that ends its first console session as soon as MokManager shows itself there. */
async function droppingConsole(t: TestContext, port: number): Promise<string> {
  let dropped = false;
  const server = createServer((session) => {
    const line = connect(port, "127.0.0.1");
    session.pipe(line).pipe(session);
    const end = (): void => {
      session.destroy();
      line.destroy();
    };
    for (const socket of [session, line]) socket.on("error", end).on("close", end);
    line.on("data", (bytes: Buffer) => {
      if (dropped || !/MOK management/.test(bytes.toString())) return;
      dropped = true;
      end();
    });
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`;
}
