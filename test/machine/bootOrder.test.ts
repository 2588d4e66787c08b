/**
 * A machine whose firmware tries a removable disk before the one that it runs from: shim is on both, MokManager on one, as
 * on RHEL, whose removable path has none. One machine, one story.
 */
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { Bench } from "./bench.ts";
import { command } from "@onload-kmm/secure-boot/command";
import { answerOf } from "@onload-kmm/secure-boot/onNode";
import { hashes } from "@onload-kmm/secure-boot/passwords";

/** Boot entries as OVMF numbers them, by the disks' places on the bus. */
const [ownDisk, removable] = ["0002", "0004"];

describe("a machine whose firmware tries another disk first", { concurrency: false }, () => {
  let bench: Bench;
  let fresh: string;

  before(async () => {
    bench = await Bench.open();
    const disk = bench.file("removable.img");
    await copyFile(bench.images.esp, disk);
    await command("mdel", ["-i", disk, "::/EFI/BOOT/mmx64.efi"]);
    await bench.machine.start({ secondDisk: disk });
    await bench.machine.waitForBoot();
    fresh = bench.file("fresh.fd");
    await copyFile(bench.machine.variables, fresh);
  });
  after(() => bench.close());

  /** The key is requested, and the order changed under the running system. */
  async function ask(): Promise<void> {
    const input = { certificate: bench.certificate, "password-hash": hashes.bcrypt };
    assert.equal((await answerOf(bench.machine, "import", input))["after"], "pending");
    const { code, stderr } = await bench.machine.run(`sudo efibootmgr --bootorder ${removable},${ownDisk}`);
    assert.equal(code, 0, stderr);
  }

  const boot = async (shell: "sh" | "dash" = "sh") =>
    (await answerOf(bench.machine, "state", {}, shell))["boot"] as Record<string, unknown>;

  test("state.sh tells the entry that the machine is up from, and the one that comes first", async () => {
    await ask();
    for (const shell of ["sh", "dash"] as const) {
      const { path, ...entries } = await boot(shell);
      assert.deepEqual(entries, { tool: true, current: ownDisk, first: removable }, shell);
      assert.match(String(path), /^PciRoot\(0x0\)\/Pci\(0x1,0x0\)/);
    }
  });

  test("a reboot that leaves the choice to the firmware doesn't reach MokManager", async () => {
    await answerOf(bench.machine, "reboot", { delay: "1" });
    // Shim counts down, resets, and comes back to the same place, forever.
    await bench.machine.waitForConsole(/MokManager is missing on removable media/);
    assert.doesNotMatch(bench.machine.serialLog(), /MOK management/);
  });

  test("the reboot for a key does: it takes the entry that the machine is up from, once", async () => {
    await bench.restart(fresh);
    await bench.machine.waitForBoot();
    assert.equal(await bench.keyState(), "not-enrolled");
    await ask();
    const driving = bench.drive("Another disk first in the boot order");
    const asked = await answerOf(bench.machine, "reboot", { delay: "1", timeout: "-1" }, "dash");
    assert.equal(asked["bootNext"], ownDisk);
    assert.deepEqual(await driving, { kind: "accepted" });
    await bench.machine.waitForBoot();
    assert.equal(await bench.keyState(), "enrolled");
    assert.equal(
      (await boot())["current"],
      removable,
      "after MokManager's own reset it was the firmware's choice again",
    );
  });
});
