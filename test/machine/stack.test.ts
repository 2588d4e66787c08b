/**
 * The program itself on a real machine: `up` with the virtual machine as a node of the sandbox's cluster. The key is
 * imported over SSH, the node rebooted, MokManager answered by the script at the serial console, the modules loaded by
 * the real kernel, and all of it proven. What goes wrong at MokManager is in stackFaults.test.ts. One machine, one story:
 * each test continues where the last one stopped.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { Machine } from "@onload-kmm/secure-boot/machine";
import { loadModules, sendFolders, signedCopy, unloadModules } from "./modules.ts";
import { NodeInStack } from "./nodeInStack.ts";
import { answerOf } from "@onload-kmm/secure-boot/onNode";
import { hashes } from "@onload-kmm/secure-boot/passwords";
import { makeSigningPair } from "@onload-kmm/secure-boot/signing";

const modules = ["onload", "sfc", "sfc_char", "sfc_resource"];

describe("a stack whose node is a machine with Secure Boot", () => {
  let scene: NodeInStack;
  let machine: Machine;

  before(async () => {
    scene = await NodeInStack.open();
    ({ machine } = scene);
  });
  after(() => scene.close());

  test("operator: up asks for the enrolment over SSH, says so, and leaves the machine in service", async () => {
    await scene.setEnrolment({ mode: "operator" });
    const { exitCode, output } = await scene.stack.up();
    assert.equal(exitCode, 0, output);
    assert.match(output, /machine: key pending; reboot it in your own maintenance window/);
    const [proof] = await scene.proofs();
    assert.deepEqual([proof?.state, proof?.secureBoot, proof?.key], ["pending", "enabled", "pending"]);
    assert.equal(await scene.node(".spec.unschedulable"), "");
  });

  test("nobody at the console: the countdown ends, the machine boots on, and the request is gone", async () => {
    const before = (await scene.state())["bootId"];
    await answerOf(machine, "reboot", { delay: "1" });
    await machine.waitForConsole(/Booting in 1 second/);
    await machine.waitForBoot();
    const { bootId, key } = await scene.state();
    assert.notEqual(bootId, before);
    assert.equal(key, "not-enrolled");
  });

  test("console: the next up requests again, over a request with another password, and ends with the real kernel running the modules", async () => {
    await scene.setEnrolment({ mode: "console", removeOnDestroy: true });
    const certificate = await scene.certificate();
    const before = await scene.state();
    const foreign = await answerOf(machine, "import", { certificate, "password-hash": hashes.sha512 });
    assert.equal(foreign["after"], "pending");
    const { exitCode, output } = await scene.stack.up();
    assert.equal(exitCode, 0, output);
    assert.match(output, /machine: key pending, enrolment requested again/);

    const [proof] = await scene.proofs();
    const { bootId, key, modules: live } = await scene.state();
    assert.notEqual(bootId, before["bootId"]);
    assert.equal(key, "enrolled");
    assert.deepEqual(
      [proof?.state, proof?.secureBoot, proof?.key, proof?.bootId, proof?.kernel],
      ["proven", "enabled", "enrolled", bootId, scene.images.kernelRelease],
    );
    for (const name of modules) {
      assert.deepEqual(proof?.modules?.[name]?.signers, ["onload-kmm module signing"], name);
    }
    assert.match(JSON.stringify(live), /"outOfTree":true,"unsigned":false/);
    assert.equal(await scene.node(".spec.unschedulable"), "");
  });

  test("a second up changes nothing and doesn't reboot the machine", async () => {
    const { bootId } = await scene.state();
    const { exitCode, output } = await scene.stack.up("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.equal((await scene.state())["bootId"], bootId);
  });

  test("on this kernel the same modules are refused unsigned, and signed by another key; signed by the stack's they load", async () => {
    const stranger = await makeSigningPair(scene.directory, "Stranger");
    await signedCopy(scene.images, await scene.built, path.join(scene.directory, "other"), stranger);
    await signedCopy(scene.images, await scene.built, path.join(scene.directory, "unsigned"));
    await sendFolders(machine, scene.directory, ["other", "unsigned"]);
    await machine.run("ln -s /var/lib/containers/storage/overlay/*/diff/opt ~/stack");
    const unloading = await unloadModules(machine, "stack");
    assert.equal(unloading.code, 0, unloading.stderr);
    for (const tree of ["unsigned", "other"]) {
      const { code, stderr } = await loadModules(machine, tree);
      assert.notEqual(code, 0, tree);
      assert.match(stderr, /Key was rejected by service/, tree);
    }
    const { code, stderr } = await loadModules(machine, "stack");
    assert.equal(code, 0, stderr);
  });

  test("destroy unloads the modules, and has MokManager delete the key at one reboot", async () => {
    const { bootId } = await scene.state();
    const certificate = await scene.certificate();
    const { exitCode, output } = await scene.stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.match(output, /machine: KMM unloads the modules/);
    const state = await answerOf(machine, "state", { certificate });
    assert.notEqual(state["bootId"], bootId);
    assert.deepEqual([state["key"], state["deletionPending"]], ["not-enrolled", false]);
    assert.equal(await scene.node(".spec.unschedulable"), "");
  });
});
