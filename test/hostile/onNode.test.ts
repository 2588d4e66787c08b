/** The on-node tool `state`, over a machine whose firmware, cards, kernel and files say anything at all. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { machineState } from "../../core/node/machineState.ts";
import { answerIn } from "../../steps/node/nodeMachine.ts";
import { defaultRoute, FakeNode } from "../assets/node/fakeNode.ts";
import { runTool, shells } from "../assets/node/shells.ts";
import { answered, assertShowable, hostile } from "./hostile.ts";
import { damagedText, odd } from "./inputs.ts";

const pci = "0000:3b:00.0";
const [shell = ["sh"]] = shells;

/** What each command prints, and what files hold; nearly right, or all wrong. */
const said = {
  sb: "SecureBoot enabled\n",
  new: "[key 1]\nSHA1 Fingerprint: 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33\n",
  ethtool: `driver: sfc\nversion: 9.0.2.140\nfirmware-version: 8.4.0.1003 rx1 tx1\nbus-info: ${pci}\n`,
  [`lspci-${pci}`]:
    "\tCapabilities: [b0] Vital Product Data\n\t\t[PN] Part number: X2522\n\t\t[SN] Serial number: 12345678\n",
  "boot-entries": "BootCurrent: 0001\nBootOrder: 0001,0002\nBoot0001* RHCOS\tHD(1,GPT)/File(\\EFI\\shimx64.efi)\n",
  "modprobe.conf": "blacklist sfc\ninstall sfc /bin/false\n",
  "root/proc/cmdline": "BOOT_IMAGE=x module_blacklist=onload,sfc ibt=off\n",
  "root/proc/cpuinfo": "flags\t\t: fpu ibt\n",
  "root/proc/net/route": defaultRoute("ens1"),
  "root/proc/sys/kernel/osrelease": "5.14.0-570.49.1.el9_6.x86_64\n",
  "root/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
  "root/sys/class/dmi/id/product_uuid": "4c4c4544-0034-3010-8052-b4c04f4b4e32\n",
  "root/sys/module/onload/initstate": "live\n",
  "root/sys/module/onload/version": "9.0.2.140\n",
  "root/sys/module/onload/taint": "OE\n",
  [`root/sys/bus/pci/devices/${pci}/driver_override`]: "(null)\n",
  [`root/sys/bus/pci/devices/${pci}/modalias`]: "pci:v00001924d00000B03sv00001924sd00008022bc02sc00i00\n",
} as const;
type Source = keyof typeof said;

/** Some of it damaged, and a name of an interface that a kernel takes: no slash, no blank, not long. */
const machines = fc.record({
  damage: fc
    .subarray(Object.keys(said) as Source[], { minLength: 1, maxLength: 5 })
    .chain((sources) =>
      fc.tuple(...sources.map((source) => fc.tuple(fc.constant(source), fc.oneof(odd, damagedText(said[source]))))),
    ),
  name: fc.constantFrom(
    "ens1",
    "-n",
    "-e",
    "--",
    '"',
    "\\",
    "$(touch$IFS%tx)",
    "`touch$IFS%tx`",
    "*",
    "?",
    "é",
    "a;b",
    "...",
  ),
});

function built({ damage, name }: typeof machines extends fc.Arbitrary<infer Machine> ? Machine : never): FakeNode {
  const node = new FakeNode();
  node.command("ethtool", '#!/bin/sh\ncat "$(dirname "$0")/../ethtool"\n');
  const device = `root/sys/bus/pci/devices/${pci}`;
  const fixed = { vendor: "0x1924\n", device: "0x0b03\n", class: "0x020000\n" };
  for (const [file, text] of Object.entries(fixed)) node.file(`${device}/${file}`, text);
  node.link(`${device}/driver`, "../../drivers/sfc");
  node.link(`root/sys/class/net/${name}/device`, `../../../bus/pci/devices/${pci}`);
  for (const [source, text] of Object.entries({ ...said, "root/proc/net/route": defaultRoute(name) }))
    node.file(source, text);
  for (const [source, text] of damage) node.file(source, text);
  return node;
}

const certificate = `certificate=${Buffer.from("a certificate").toString("base64")}`;

hostile("on-node tool", machines, async (machine) => {
  const node = built(machine);
  try {
    const { code, stdout, stderr } = runTool(node, shell, "state", [certificate]);
    assert.ok(code === 0 || code === 1, `exit code ${code}: ${stderr}`);
    if (code === 1) {
      assert.equal(stdout, "", "no half of an object");
      // bash tells of a NUL that it leaves out.
      assert.match(stderr, /^(?:.* ignored null byte in input\n)*state: mokutil /);
      return;
    }
    assert.match(stdout, /^\{.*\}\n$/, "one object on one line");
    const state = await answered(() => answerIn(stdout, machineState, "worker-0: state.sh"));
    assert.ok(!existsSync("x") && !existsSync(join(node.directory, "x")), "nothing of it was run");
    if (state === undefined) return;
    for (const { name, pci: at } of state.interfaces) {
      assert.equal(name, machine.name);
      assertShowable(at ?? "");
    }
    if (!machine.damage.some(([source]) => source === "root/proc/net/route")) {
      assert.deepEqual(
        state.ownNetwork.map(({ name }) => name),
        [machine.name],
      );
    }
  } finally {
    node.remove();
  }
});
