/** What the on-node tool `state` says of a machine, under every small shell that is installed here. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { defaultRoute, FakeNode } from "./fakeNode.ts";
import { answerOf, runTool, shells } from "./shells.ts";

const certificate = `certificate=${Buffer.from("a certificate").toString("base64")}`;

/** An Ethernet card's function; `id` is vendor and device, as `1924:0b03`. */
function addDevice(node: FakeNode, pci: string, id: string, driver?: string): void {
  const directory = `root/sys/bus/pci/devices/${pci}`;
  const [vendor = "", device = ""] = id.split(":");
  node.file(`${directory}/vendor`, `0x${vendor}\n`);
  node.file(`${directory}/device`, `0x${device}\n`);
  node.file(`${directory}/class`, "0x020000\n");
  const [v, d] = [vendor, device].map((each) => each.toUpperCase().padStart(8, "0"));
  node.file(`${directory}/modalias`, `pci:v${v ?? ""}d${d ?? ""}sv00001924sd00008022bc02sc00i00\n`);
  if (driver !== undefined) node.link(`${directory}/driver`, `../../drivers/${driver}`);
}

for (const shell of shells) {
  describe(`the machine's state, under ${shell.join(" ")}`, () => {
    let node: FakeNode;
    beforeEach(() => (node = new FakeNode()));
    afterEach(() => node.remove());
    const answer = (...lines: string[]) => answerOf(node, shell, "state", lines) as Record<string, unknown>;

    test("what can be read of an empty machine", () => {
      node.set("enrolled");
      assert.deepEqual(answer(certificate), {
        secureBoot: "enabled",
        key: "enrolled",
        deletionPending: false,
        firmwareSpace: null,
        kernel: null,
        bootId: "boot-1",
        machineId: null,
        systemUuid: null,
        modules: { onload: null, sfc: null, sfc_char: null, sfc_resource: null },
        ports: [],
        interfaces: [],
        ownNetwork: [],
        onloadDevice: false,
        signaturesEnforced: false,
        blacklisted: [],
        kernelDriverBarred: null,
        ibt: false,
        boot: { tool: false, current: null, first: null, path: null },
      });
    });

    test("modules, signers, interfaces; the own network through VLAN, bond and Open vSwitch", () => {
      node.set("enrolled", "SecureBoot disabled\nPlatform is in Setup Mode\n");
      node.file("root/proc/sys/kernel/osrelease", "5.14.0\n");
      const onload = { initstate: "live\n", version: '9.0 "x"\\\n', srcversion: "ABC\n", taint: "OE\n" };
      for (const [name, text] of Object.entries(onload)) node.file(`root/sys/module/onload/${name}`, text);
      const layer = (name: string) =>
        `root/var/lib/containers/storage/overlay/${name}/diff/opt/lib/modules/5.14.0/extra/onload.ko`;
      // busybox has a modinfo of its own, which takes no file that isn't a real module.
      const signers = shell[0] === "busybox" ? [] : ["Onload"];
      for (const signer of signers) node.file(layer("a"), `ABC\n${signer}\n`);
      if (signers.length > 0) node.file(layer("b"), "other\nStranger\n");
      const device = "root/sys/bus/pci/devices/0000:3b:00.0";
      node.file(`${device}/vendor`, "0x1924\n");
      node.file(`${device}/device`, "0x0b03\n");
      node.file(`${device}/class`, "0x020000\n");
      node.link(`${device}/driver`, "../../drivers/sfc");
      node.link("root/sys/class/net/ens1/device", "../../../bus/pci/devices/0000:3b:00.0");
      node.link("root/sys/class/net/ens1/master", "../bond0");
      node.link("root/sys/class/net/bond0/lower_ens1", "../ens1");
      node.link("root/sys/class/net/bond0.7/lower_bond0", "../bond0");
      node.link("root/sys/class/net/bond0.7/master", "../ovs-system");
      node.file("root/sys/class/net/br-ex/operstate", "up\n");
      const head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";
      node.file("root/proc/net/route", `${head}${defaultRoute("br-ex")}`);
      node.file("root/dev/onload", "");
      const found = answer();
      assert.deepEqual(found["modules"], {
        onload: { version: '9.0 "x"\\', srcversion: "ABC", outOfTree: true, unsigned: true, signers },
        sfc: null,
        sfc_char: null,
        sfc_resource: null,
      });
      assert.deepEqual(found["interfaces"], [
        { name: "ens1", pci: "0000:3b:00.0", driver: "sfc", version: "9.0.2.140", firmware: "8.4.0.1003 rx1 tx1" },
      ]);
      assert.deepEqual(found["ownNetwork"], [{ name: "ens1", driver: "sfc", solarflare: true }]);
      assert.deepEqual(found["ports"], [
        {
          ...{ pci: "0000:3b:00.0", id: "1924:0b03", driver: "sfc", virtual: false },
          ...{ override: null, part: null, serial: null },
        },
      ]);
      const rest = ["secureBoot", "key", "deletionPending", "onloadDevice", "kernel"].map((name) => found[name]);
      assert.deepEqual(rest, ["disabled", null, null, true, "5.14.0"]);
    });

    test("a default route under which nothing physical is found isn't taken for one through another card", () => {
      node.file("root/proc/net/route", defaultRoute("wg0"));
      node.file("root/sys/class/net/wg0/operstate", "unknown\n");
      assert.deepEqual(answer()["ownNetwork"], [{ name: "wg0", driver: null, solarflare: null }]);
    });

    test("a port is what sfc has bound, what its table has, or what OpenOnload's has beyond that", () => {
      const device = (pci: string, id: string, driver?: string) => addDevice(node, pci, id, driver);
      node.command("modinfo", "#!/bin/sh\necho 'pci:v000010EEd00000200sv*sd*bc*sc*i*'\n");
      device("0000:01:00.0", "10ee:0100", "sfc");
      device("0000:02:00.0", "1022:1190");
      device("0000:03:00.0", "1924:0b03", "vfio-pci");
      device("0000:03:00.2", "1924:1b03");
      node.link("root/sys/bus/pci/devices/0000:03:00.2/physfn", "../0000:03:00.0");
      device("0000:04:00.0", "10ee:0200");
      device("0000:05:00.0", "abcd:0001", "sfc");
      // Not ours: another maker's card, an accelerator of the same vendor, and no network card at all.
      device("0000:06:00.0", "8086:1521", "igb");
      device("0000:07:00.0", "10ee:5004");
      device("0000:08:00.0", "1924:0b03");
      node.file("root/sys/bus/pci/devices/0000:08:00.0/class", "0x010700\n");
      const { ports } = answer();
      const port = (pci: string, id: string, driver: string | null, virtual = false) => ({
        ...{ pci, id, driver, virtual, override: null },
        ...{ part: null, serial: null },
      });
      // busybox has a modinfo of its own, and here no sfc to look into.
      const fromTable = shell[0] === "busybox" ? [] : [port("0000:04:00.0", "10ee:0200", null)];
      assert.deepEqual(ports, [
        port("0000:01:00.0", "10ee:0100", "sfc"),
        port("0000:02:00.0", "1022:1190", null),
        port("0000:03:00.0", "1924:0b03", "vfio-pci"),
        port("0000:03:00.2", "1924:1b03", null, true),
        ...fromTable,
        port("0000:05:00.0", "abcd:0001", "sfc"),
      ]);
    });

    test("ports in another use, and what is no port of sfc's, are told apart", () => {
      const override = (pci: string, driver: string) =>
        node.file(`root/sys/bus/pci/devices/${pci}/driver_override`, `${driver}\n`);
      addDevice(node, "0000:01:00.0", "1924:0b03", "sfc");
      override("0000:01:00.0", "(null)");
      addDevice(node, "0000:01:00.1", "1924:0b03");
      override("0000:01:00.1", "vfio-pci");
      addDevice(node, "0000:02:00.0", "10ee:0100", "sfc_ef100");
      addDevice(node, "0000:02:00.1", "10ee:1100", "sfc_ef100");
      node.link("root/sys/bus/pci/devices/0000:02:00.1/physfn", "../0000:02:00.0");
      // Cards that OpenOnload's sfc doesn't serve, with the kernel's driver for them or none, and a card's management function.
      addDevice(node, "0000:03:00.0", "1924:0803", "sfc_siena");
      addDevice(node, "0000:03:00.1", "1924:0813");
      addDevice(node, "0000:04:00.0", "1924:0710");
      addDevice(node, "0000:05:00.0", "10ee:0100", "mcdi");
      node.file("root/sys/bus/pci/devices/0000:05:00.0/class", "0x120000\n");
      // Down, and the bond's: a port all the same. Interfaces in another network namespace aren't seen at all.
      node.link("root/sys/class/net/ens1/device", "../../../bus/pci/devices/0000:01:00.0");
      node.link("root/sys/class/net/ens1/master", "../bond0");
      node.file("root/sys/class/net/ens1/operstate", "down\n");
      node.link("root/sys/class/net/old/device", "../../../bus/pci/devices/0000:03:00.0");
      const found = answer();
      const port = (pci: string, id: string, driver: string | null, change: object = {}) => ({
        ...{ pci, id, driver, virtual: false, override: null, part: null, serial: null },
        ...change,
      });
      assert.deepEqual(found["ports"], [
        port("0000:01:00.0", "1924:0b03", "sfc"),
        port("0000:01:00.1", "1924:0b03", null, { override: "vfio-pci" }),
        port("0000:02:00.0", "10ee:0100", "sfc_ef100"),
        port("0000:02:00.1", "10ee:1100", "sfc_ef100", { virtual: true }),
      ]);
      assert.deepEqual(
        (found["interfaces"] as { name: string }[]).map(({ name }) => name),
        ["ens1"],
      );
    });

    // busybox has a stat of its own.
    const spaces = [
      ["efivarfs 1 131072 23456", "SecureBoot enabled\n", 23456],
      ["efivarfs 1 131072 0", "SecureBoot enabled\n", 0],
      ["efivarfs 4096 0 0", "SecureBoot enabled\n", null],
      ["tmpfs 4096 1000 900", "SecureBoot enabled\n", null],
      ["efivarfs 1 131072 23456", "SecureBoot disabled\n", null],
    ] as const;
    for (const [stat, sb, space] of shell[0] === "busybox" ? [] : spaces) {
      test(`the firmware's space for variables: ${stat} with ${sb.trim()}`, () => {
        node.set("enrolled", sb);
        node.command(
          "stat",
          `#!/bin/sh\n[ "$*" = "-f -c %T %s %b %a $ONLOAD_KMM_ROOT/sys/firmware/efi/efivars" ] && echo ${stat}\n`,
        );
        assert.equal(answer()["firmwareSpace"], space);
      });
    }

    for (const [what, config, barred] of [
      ["forbidden by an `install` line", "options sfc a=1\ninstall sfc /bin/false\n", "install sfc /bin/false"],
      ["blacklisted", "blacklist nouveau\nblacklist sfc\nblacklist sfc_char\n", "blacklist sfc"],
      ["wanted", "blacklist sfc_siena\ninstall sfcx /bin/true\noptions sfc a=1\n", null],
    ] as const) {
      test(`the kernel's own driver is ${what}, by what modprobe reads`, () => {
        node.file("modprobe.conf", config);
        assert.equal(answer()["kernelDriverBarred"], barred);
      });
    }

    const cards: [what: string, vpd: string, part: string | null, serial: string | null][] = [
      [
        "its part, and the end of its serial number",
        "\t\t\t[PN] Part number: SFN8522\n\t\t\t[SN] Serial number: 852200205114164501152\n",
        "SFN8522",
        "****1152",
      ],
      ["a short serial number, all masked", "\t[PN] Part number: X\n\t[SN] Serial number: 1234567\n", "X", "****"],
      ["no Vital Product Data", "\tCapabilities: [d0] Vital Product Data\n\t\tNot readable\n", null, null],
    ];
    for (const [what, vpd, part, serial] of cards) {
      test(`a port's card: ${what}`, () => {
        addDevice(node, "0000:01:00.0", "1924:0b03", "sfc");
        node.file("lspci-0000:01:00.0", `01:00.0 Ethernet controller: Solarflare\n${vpd}`);
        const { code, stdout } = runTool(node, shell, "state", []);
        assert.equal(code, 0);
        const [port] = (JSON.parse(stdout) as { ports: object[] }).ports;
        assert.deepEqual({ ...port, part, serial }, port);
        assert.doesNotMatch(stdout, /852200|1234567/, "no more of it leaves the node");
      });
    }

    test("a card without lspci is unknown, and no error", () => {
      addDevice(node, "0000:01:00.0", "1924:0b03", "sfc");
      node.command("lspci", "#!/bin/sh\nexit 127\n");
      const [port] = answer()["ports"] as { part: null; serial: null }[];
      assert.deepEqual([port?.part, port?.serial], [null, null]);
    });

    const arguments_: [what: string, cmdline: string, found: object][] = [
      ["modules that the kernel refuses", "quiet module_blacklist=nouveau,sfc", { blacklisted: ["sfc"] }],
      [
        "modules that only hardware doesn't load",
        "modprobe.blacklist=sfc rd.driver.blacklist=sfc",
        { blacklisted: [] },
      ],
      ["IBT", "quiet", { ibt: true }],
      ["IBT, off", "ibt=off quiet", { ibt: false }],
    ];
    for (const [what, cmdline, expected] of arguments_) {
      test(`${what}, with the kernel's arguments ${cmdline}`, () => {
        node.file("root/proc/cmdline", `${cmdline}\n`);
        node.file("root/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme ibt md_clear\n");
        const found = answer();
        assert.deepEqual({ ...found, ...expected }, found);
      });
    }

    const shim = String.raw`HD(1,GPT,5c1a…,0x1000,0x3f800)/File(\EFI\redhat\shimx64.efi)`;
    const entries = [
      "Boot0000* Setup\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)",
      `Boot0001* Red Hat Enterprise Linux\t${shim}`,
      "Boot0002  UEFI USB\tPciRoot(0x0)/Pci(0x14,0x0)/USB(1,0)",
      "Boot0003* UEFI PXEv4 (MAC:525400123456)\tPciRoot(0x0)/Pci(0x4,0x0)/MAC(525400123456,1)N.....YM....R,Y.",
    ];
    const orders: [what: string, head: string[], found: object][] = [
      [
        "the disk's own entry first",
        ["BootCurrent: 0001", "Timeout: 3 seconds", "BootOrder: 0001,0003"],
        { current: "0001", first: "0001", path: shim },
      ],
      [
        "the network first, after the firmware's setup and an entry that is off",
        ["BootCurrent: 0001", "BootOrder: 0000,0002,0003,0001"],
        { current: "0001", first: "0003", path: shim },
      ],
      ["a firmware that doesn't tell", ["No BootOrder is set; firmware will attempt recovery"], {}],
      ["an entry that is gone", ["BootCurrent: 0009", "BootOrder: 0001"], { current: "0009", first: "0001" }],
    ];
    for (const [what, head, found] of orders) {
      test(`the boot order: ${what}`, () => {
        node.file("boot-entries", `${[...head, ...entries].join("\n")}\n`);
        assert.deepEqual(answer()["boot"], { tool: true, current: null, first: null, path: null, ...found });
      });
    }

    const enforcing: [file: string, text: string, enforced: boolean][] = [
      ["module/parameters/sig_enforce", "Y", true],
      ["module/parameters/sig_enforce", "N", false],
      ["kernel/security/lockdown", "none [integrity] confidentiality", true],
      ["kernel/security/lockdown", "none integrity [confidentiality]", true],
      ["kernel/security/lockdown", "[none] integrity confidentiality", false],
    ];
    for (const [file, text, enforced] of enforcing) {
      test(`signatures ${enforced ? "are" : "aren't"} enforced with ${text} in ${file}`, () => {
        node.file(`root/sys/${file.startsWith("module") ? "module/" : ""}${file}`, `${text}\n`);
        assert.equal(answer()["signaturesEnforced"], enforced);
      });
    }
  });
}
