/**
 * The real shim, MokManager, mokutil and kernel: the on-node tools, the driver at the console, and what the kernel then
 * loads. One machine, one story: each test continues where the last one stopped.
 */
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { Bench } from "./bench.ts";
import { throughBmc } from "./bmc.ts";
import { type Node, deletionContract, enrolmentContract } from "./contract.ts";
import { buildModules, loadModules, sendFolders, signedCopy, unloadModules } from "./modules.ts";
import { answerOf, runTool } from "@onload-kmm/secure-boot/onNode";
import { hashes } from "@onload-kmm/secure-boot/passwords";
import { makeSigningPair } from "@onload-kmm/secure-boot/signing";
import { readDb } from "@onload-kmm/secure-boot/varstore";

describe("a node with Secure Boot", () => {
  let bench: Bench;
  let modules: Promise<void>;

  before(async () => {
    bench = await Bench.open();
    modules = prepareModules();
    await bench.machine.start();
  });
  after(() => bench.close("machine"));

  /** signed/, other/ and unsigned/: the release's modules, signed by the stack's key, by a stranger's, and not at all. */
  async function prepareModules(): Promise<void> {
    const { images } = bench;
    const built = await buildModules(images, bench.directory);
    const stranger = await makeSigningPair(bench.directory, "Stranger");
    await signedCopy(images, built, bench.file("signed"), bench.pair);
    await signedCopy(images, built, bench.file("other"), stranger);
    await signedCopy(images, built, bench.file("unsigned"));
  }

  const sendModules = (): Promise<void> => sendFolders(bench.machine, bench.directory, ["signed", "other", "unsigned"]);

  async function unloaded(): Promise<void> {
    const { code, stderr } = await unloadModules(bench.machine, "signed");
    assert.equal(code, 0, stderr);
    assert.deepEqual((await bench.machine.run("ls -d /sys/module/onload /sys/module/sfc* 2>/dev/null")).stdout, "");
  }

  const importKey = (hash: string, replace = "no", shell: "sh" | "dash" = "sh"): Promise<Record<string, unknown>> =>
    answerOf(bench.machine, "import", { certificate: bench.certificate, "password-hash": hash, replace }, shell);

  /** The machine as the contract sees it. */
  const node = (): Node => ({
    run: (commandLine, stdin) => bench.machine.run(commandLine, stdin),
    console: bench.machine.console,
    reboot: async () => {
      await answerOf(bench.machine, "reboot", { delay: "1" });
      return { up: bench.machine.waitForBoot() };
    },
    certificate: bench.pair.certificate.raw,
    recorder: bench.recorder,
  });

  test("a boot without a request is no prompt", async () => {
    const up = new AbortController();
    const driving = bench.drive("No prompt", up.signal);
    await bench.machine.waitForBoot();
    up.abort();
    assert.equal((await driving).kind, "no-prompt");
  });

  for (const shell of ["sh", "dash"] as const) {
    test(`state.sh tells under ${shell}: Secure Boot is on, the key is unknown`, async () => {
      const state = await answerOf(bench.machine, "state", { certificate: bench.certificate }, shell);
      assert.equal(state["secureBoot"], "enabled");
      assert.equal(state["key"], "not-enrolled");
      assert.equal(state["kernel"], bench.images.kernelRelease);
      assert.match(String(state["machineId"]), /^[0-9a-f]{32}$/);
    });
  }

  test("a bcrypt hash with a newline at its end is refused by mokutil", async () => {
    const { code, stderr } = await bench.machine.run(
      `cat >key.der && echo '${hashes.bcrypt}' >hash && sudo mokutil --import key.der --hash-file hash; ` +
        "code=$?; rm key.der hash; exit $code",
      bench.pair.certificate.raw,
    );
    assert.equal(code, 255);
    assert.match(stderr, /Failed to parse the string/);
    assert.equal(await bench.keyState(), "not-enrolled");
  });

  test("import.sh makes the request; a pending one keeps its password unless it is replaced", async () => {
    assert.deepEqual(await importKey(hashes.sha512), { before: "not-enrolled", after: "pending", replaced: false });

    const { stdout } = await bench.machine.run(
      "cat >/dev/shm/key.der && sudo mokutil --import /dev/shm/key.der; rm /dev/shm/key.der",
      bench.pair.certificate.raw,
    );
    assert.match(stdout, /^SKIP: .* is already in the enrollment request/);
    assert.deepEqual(await importKey(hashes.bcrypt), { before: "pending", after: "pending", replaced: false });
    assert.deepEqual(await importKey(hashes.bcrypt, "yes", "dash"), {
      before: "pending",
      after: "pending",
      replaced: true,
    });
    assert.equal((await bench.machine.run("sudo mokutil --timeout -1")).code, 0);
    assert.equal((await bench.machine.run("ls -A /dev/shm ~")).stdout, "/dev/shm:\n\n/var/home/core:\n");
  });

  test("a power cut with MokManager open ends in `Reset MOK`, which is refused", async () => {
    await bench.restart();
    await bench.machine.waitForConsole(/Enroll hash from disk/);
    await bench.restart();
    const outcome = await bench.drive("After a power cut with MokManager open");
    assert.equal(outcome.kind, "refused");
    assert.match(outcome.reason, /Reset MOK/);
    assert.equal(outcome.left, "boots on");
    await bench.machine.waitForBoot();
    assert.equal(await bench.keyState(), "not-enrolled");
  });

  test("before enrolment the kernel refuses the signed modules", async () => {
    await modules;
    await sendModules();
    const { code, stderr } = await loadModules(bench.machine, "signed");
    assert.notEqual(code, 0);
    assert.match(stderr, /Key was rejected by service/);
  });

  enrolmentContract(node);

  test("modules signed with the enrolled key load and are the ones that run", async () => {
    const { code, stderr } = await loadModules(bench.machine, "signed");
    assert.equal(code, 0, stderr);
    const state = await answerOf(bench.machine, "state", {}, "dash");
    const live = state["modules"] as Record<string, { outOfTree: boolean; unsigned: boolean } | null>;
    for (const name of ["onload", "sfc", "sfc_char", "sfc_resource"]) {
      assert.equal(live[name]?.outOfTree, true, name);
      assert.equal(live[name].unsigned, false, name);
    }
    assert.equal(state["onloadDevice"], true);
  });

  test("loaded a second time as KMM's worker does, the running sfc is taken for the in-tree one, and onload does nothing", async () => {
    const { code, stderr } = await bench.machine.run('sudo modprobe -r sfc && sudo modprobe -d "$HOME/signed" onload');
    assert.equal(code, 0, stderr);
    const live = (await answerOf(bench.machine, "state", {}))["modules"] as Record<string, object | null>;
    assert.equal(live["sfc"], null);
    assert.notEqual(live["onload"], null);
    await unloaded();
  });

  for (const [tree, what] of [
    ["unsigned", "unsigned"],
    ["other", "signed by another key"],
  ] as const) {
    test(`the same modules, ${what}, are refused`, async () => {
      const { code, stderr } = await loadModules(bench.machine, tree);
      assert.notEqual(code, 0);
      assert.match(stderr, /Key was rejected by service/);
    });
  }

  test("once enrolled, the key is left alone; its deletion can be asked for and taken back; a reboot for another boot is refused", async () => {
    assert.deepEqual(await importKey(hashes.sha512, "yes"), { before: "enrolled", after: "enrolled", replaced: false });
    const asked = await answerOf(
      bench.machine,
      "delete",
      { certificate: bench.certificate, "password-hash": hashes.bcrypt },
      "dash",
    );
    assert.deepEqual(asked, { before: "enrolled", after: "enrolled", deletionPending: true });
    const revoked = await answerOf(bench.machine, "revoke", { certificate: bench.certificate }, "dash");
    assert.deepEqual(revoked, { before: "enrolled", after: "enrolled", deletionRevoked: true });
    const stale = await runTool(bench.machine, "reboot", { "boot-id": "00000000-0000-4000-8000-000000000000" });
    assert.equal(stale.code, 3, stale.stderr);
  });

  deletionContract(node);

  test("a certificate that the BMC was given is in the firmware's db, and trusted, without MokManager", async () => {
    const variables = bench.file("db.fd");
    await copyFile(bench.images.firmware.variables, variables);
    const { systemUuid } = await answerOf(bench.machine, "state", {});
    const bmc = { variables, systemUuid: String(systemUuid), certificate: bench.pair.certificate.toString() };
    const others = (await readDb(variables)).length;
    assert.ok(others > 0, "Microsoft's certificates are there");
    assert.equal(await throughBmc(bmc, (database) => database.add()), "asked");
    assert.equal(await throughBmc(bmc, (database) => database.add()), "listed");
    assert.equal((await readDb(variables)).length, others + 1);
    await bench.restart(variables);
    await bench.machine.waitForBoot();
    assert.doesNotMatch(bench.machine.serialLog(), /MOK management/);
    assert.equal(await bench.keyState(), "in-db");
    assert.equal((await answerOf(bench.machine, "state", {}))["secureBoot"], "enabled");

    assert.equal((await loadModules(bench.machine, "signed")).code, 0);
    await unloaded();
    const refused = await loadModules(bench.machine, "other");
    assert.match(refused.stderr, /Key was rejected by service/);
    assert.deepEqual(await importKey(hashes.bcrypt), { before: "in-db", after: "in-db", replaced: false });
  });
});
