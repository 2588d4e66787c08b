/** The real shim, MokManager and mokutil: enrolment as the program does it, and what can go wrong with it. */
import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openConsole } from "../../steps/lib/console/consoleCommand.ts";
import { type Outcome, enrolOverConsole } from "../../steps/lib/console/mokManager.ts";
import { buildMachine } from "./build.ts";
import { Machine } from "./machine.ts";
import { answerOf, runTool } from "./onNode.ts";
import { hashes, password } from "./passwords.ts";
import { ScreenRecorder } from "./screens.ts";
import { type SigningPair, makeSigningPair } from "./signing.ts";

const log = (line: string): void => void process.stderr.write(`# ${line}\n`);

describe("enrolment on a machine with Secure Boot", { timeout: 900_000 }, () => {
  let directory: string;
  let machine: Machine;
  let pair: SigningPair;
  let certificate: string;
  /** UEFI variables to start from: a request with a SHA-512 hash; one with a bcrypt hash and MokManager waiting for ever. */
  let saved: { sha512: string; bcrypt: string };
  const recorder = new ScreenRecorder();

  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "onload-kmm-machine-"));
    machine = await Machine.create(await buildMachine(log), path.join(directory, "machine"));
    pair = await makeSigningPair(directory, "OnloadModules");
    certificate = pair.certificate.raw.toString("base64");
    saved = { sha512: path.join(directory, "sha512.fd"), bcrypt: path.join(directory, "bcrypt.fd") };
    await machine.start();
    await machine.waitForBoot();
  });
  after(async () => {
    await machine.powerCut();
    await recorder.save();
    await rm(directory, { recursive: true, force: true });
  });

  const keyState = async (): Promise<unknown> => (await answerOf(machine, "state", { certificate }))["key"];

  async function drive(story: string, typed = password): Promise<Outcome> {
    return enrolOverConsole({
      console: await openConsole(machine.console),
      password: typed,
      certificate: pair.certificate,
      log,
      deadlineSeconds: 120,
      recordScreen: recorder.story(story),
    });
  }

  test("the machine runs with Secure Boot on and knows nothing of the key", async () => {
    const state = await answerOf(machine, "state", { certificate });
    assert.equal(state["secureBoot"], "enabled");
    assert.equal(state["key"], "not-enrolled");
    assert.equal(state["kernel"], machine.kernelRelease);
    assert.match((await machine.run("cat /sys/kernel/security/lockdown")).stdout, /\[integrity\]/);
  });

  test("a bcrypt hash with a newline at its end is refused by mokutil", async () => {
    const place = "cat >/dev/shm/key.der && ";
    const hash = `echo '${hashes.bcrypt}' >/dev/shm/hash && `;
    const { code, stderr } = await machine.run(
      `${place}${hash}sudo mokutil --import /dev/shm/key.der --hash-file /dev/shm/hash`,
      pair.certificate.raw,
    );
    assert.equal(code, 255);
    assert.match(stderr, /Failed to parse the string/);
    assert.equal(await keyState(), "not-enrolled");
  });

  test("import.sh makes the request; another password doesn't change a pending one unless it is replaced", async () => {
    const first = await answerOf(machine, "import", { certificate, "password-hash": hashes.sha512 });
    assert.deepEqual(first, { before: "not-enrolled", after: "pending", replaced: false });
    await copyFile(machine.variables, saved.sha512);

    const again = await answerOf(machine, "import", { certificate, "password-hash": hashes.bcrypt }, "dash");
    assert.deepEqual(again, { before: "pending", after: "pending", replaced: false });
    const replaced = await answerOf(
      machine,
      "import",
      { certificate, "password-hash": hashes.bcrypt, replace: "yes" },
      "dash",
    );
    assert.deepEqual(replaced, { before: "pending", after: "pending", replaced: true });
    assert.equal((await machine.run("sudo mokutil --timeout -1")).code, 0);
    await copyFile(machine.variables, saved.bcrypt);
    assert.equal((await machine.run("ls -A /dev/shm | grep -v -e key.der -e '^hash$'")).stdout, "");
  });

  test("without anybody at the console the countdown ends, and the request is gone", async () => {
    await machine.powerCut();
    await machine.start({ variables: saved.sha512 });
    await machine.waitForBoot();
    assert.match(machine.serialLog(), /Booting in 1 seconds/);
    assert.equal(await keyState(), "not-enrolled");
  });

  test("a wrong password: said, nothing enrolled, and the machine comes up", async () => {
    await machine.powerCut();
    await machine.start({ variables: saved.bcrypt });
    const outcome = await drive("With a wrong password", "Wrong1password");
    assert.equal(outcome.kind, "refused");
    assert.match(outcome.reason, /did not accept the password/);
    assert.equal(outcome.left, "boots on");
    assert.match(outcome.screens, /Password doesn't match/);
    assert.doesNotMatch(outcome.screens, /Wrong1password/);
    await machine.waitForBoot();
    assert.equal(await keyState(), "not-enrolled");
  });

  test("with --timeout -1 MokManager waits for ever; a power cut there ends in `Reset MOK`, which is refused", async () => {
    await machine.powerCut();
    await machine.start({ variables: saved.bcrypt });
    await machine.waitForConsole(/Enroll hash from disk/);
    // Longer than the 10 seconds after which it would boot on.
    await delay(12_000);
    assert.doesNotMatch(machine.serialLog(), /Booting in|EFI stub/);

    await machine.powerCut();
    await machine.start();
    const outcome = await drive("After a power cut with MokManager open");
    assert.equal(outcome.kind, "refused");
    assert.match(outcome.reason, /Reset MOK/);
    assert.equal(outcome.left, "boots on");
    await machine.waitForBoot();
    assert.equal(await keyState(), "not-enrolled");
  });

  test("a second try mends it: import, detached reboot, MokManager by script, enrolled", async () => {
    const made = await answerOf(machine, "import", { certificate, "password-hash": hashes.sha512, replace: "yes" });
    assert.equal(made["after"], "pending");
    const before = await answerOf(machine, "state", {});
    const bootId = String(before["bootId"]);
    const driving = drive("Enrolment");
    const rebooting = await answerOf(machine, "reboot", { "boot-id": bootId, timeout: "30", delay: "1" });
    assert.equal(rebooting["bootId"], bootId);
    assert.deepEqual(await driving, { kind: "accepted" });
    assert.notEqual(await machine.waitForBoot(), bootId);
    assert.equal(await keyState(), "enrolled");
  });

  test("once enrolled, the key is left alone and a stale reboot is refused", async () => {
    const again = await answerOf(machine, "import", { certificate, "password-hash": hashes.bcrypt, replace: "yes" });
    assert.deepEqual(again, { before: "enrolled", after: "enrolled", replaced: false });
    const stale = await runTool(machine, "reboot", { "boot-id": "00000000-0000-4000-8000-000000000000" });
    assert.equal(stale.code, 3, stale.stderr);
  });

  test("a request for deletion is carried out the same way", async () => {
    const asked = await answerOf(machine, "delete", { certificate, "password-hash": hashes.bcrypt });
    assert.deepEqual(asked, { before: "enrolled", after: "enrolled", deletionPending: true });
    const driving = enrolOverConsole({
      console: await openConsole(machine.console),
      request: "delete",
      password,
      certificate: pair.certificate,
      log,
      deadlineSeconds: 120,
      recordScreen: recorder.story("Deletion"),
    });
    await answerOf(machine, "reboot", { timeout: "-1", delay: "1" });
    assert.deepEqual(await driving, { kind: "accepted" });
    await machine.waitForBoot();
    assert.equal(await keyState(), "not-enrolled");
  });

  test("a bcrypt hash is accepted by MokManager, without a countdown", async () => {
    await machine.powerCut();
    await machine.start({ variables: saved.bcrypt });
    assert.deepEqual(await drive("Enrolment without a countdown"), { kind: "accepted" });
    await machine.waitForBoot();
    assert.equal(await keyState(), "enrolled");
  });

  test("a boot without a request is no prompt", async () => {
    const driving = drive("No prompt");
    await answerOf(machine, "reboot", { delay: "1" });
    assert.equal((await driving).kind, "no-prompt");
    await machine.waitForBoot();
  });
});
