import assert from "node:assert/strict";
import { test } from "node:test";
import { bootDoubts, type BootOrder } from "../../../core/firmware/bootOrder.ts";

const shim = String.raw`HD(1,GPT,5c1a,0x1000,0x3f800)/File(\EFI\redhat\shimx64.efi)`;
const order = (change: Partial<BootOrder> = {}): BootOrder => ({
  ...{ tool: true, current: "0001", first: "0001", path: shim },
  ...change,
});

const doubtful: [when: string, boot: BootOrder, says: RegExp][] = [
  ["no efibootmgr", order({ tool: false, current: null, first: null, path: null }), /^efibootmgr doesn't answer on it/],
  ["no BootCurrent", order({ current: null, path: null }), /^its firmware doesn't list .*\(no BootCurrent\)/],
  ["an entry that is gone", order({ path: null }), /^its firmware doesn't list the boot entry 0001,/],
  // As efibootmgr 16 and 17 print them on QEMU, and 18 on Fedora.
  [
    "booted from the network",
    order({ path: "PciRoot(0x0)/Pci(0x4,0x0)/MAC(525400123456,1)/IPv4(0.0.0.00.0.0.0,0,0)N.....YM....R,Y." }),
    /^it was booted by the network \(boot entry 0001\)/,
  ],
  ["booted from a disk without a file", order({ path: "PciRoot(0x0)/Pci(0x1,0x0)N.....YM....R,Y." }), /removable path/],
  [
    "booted from the removable path",
    order({ path: String.raw`HD(1,GPT,5c1a)/\EFI\BOOT\BOOTX64.EFI` }),
    /removable path/,
  ],
  [
    "the removable path of arm64",
    order({ path: String.raw`HD(1,GPT,5c1a)/File(\EFI\boot\bootaa64.efi)` }),
    /removable path/,
  ],
];
for (const [when, boot, says] of doubtful) {
  test(`it isn't known whether MokManager will run: ${when}`, () => {
    const [doubt, ...others] = bootDoubts(boot, "console");
    assert.match(doubt ?? "", says);
    assert.match(doubt ?? "", /see that the disk's own entry comes first/);
    assert.deepEqual(others, []);
    for (const mode of ["redfish", "off"] as const) assert.deepEqual(bootDoubts(boot, mode), []);
  });
}

test("another entry first: the program corrects it where it reboots, the operator where they do", () => {
  const boot = order({ first: "0003" });
  for (const mode of ["attended", "console"] as const) assert.deepEqual(bootDoubts(boot, mode), []);
  assert.match(
    bootDoubts(boot, "operator").join(),
    /tries boot entry 0003 before 0001.*`sudo efibootmgr --bootnext 0001`/,
  );
});

test("no doubt about shim on the node's disk", () => {
  for (const path of [shim, String.raw`HD(1,GPT,5c1a,0x1000,0x3f800)/\EFI\redhat\shimaa64.efi`]) {
    assert.deepEqual(bootDoubts(order({ path }), "operator"), []);
  }
});
