/** What nodes say of themselves in `preview`, over SSH. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { checkSsh } from "../../../steps/node/sshCheck.ts";
import { defaultRoute, FakeNode } from "../../assets/node/fakeNode.ts";
import { startNode } from "./sshNode.ts";

const consent = { ownNetworkOnSolarflare: false, withoutPorts: false };
const look = (machines: Parameters<typeof checkSsh>[0], release = "9.0.2.140") =>
  checkSsh(machines, { certificate: "", release, mode: "attended" });

/** A node with one port, whose SSH server is up. */
async function nodeWithPort(t: TestContext, address?: string) {
  const node = new FakeNode();
  t.after(() => node.remove());
  node.file("root/proc/sys/kernel/osrelease", "5.14.0-1.el9.x86_64\n");
  node.file("root/etc/machine-id", "m\n");
  node.file("root/sys/class/dmi/id/product_uuid", "s\n");
  node.file("root/proc/net/route", defaultRoute("eno1"));
  node.file("root/sys/class/net/eno1/device/vendor", "0x8086\n");
  node.file("boot-entries", "BootCurrent: 0001\nBootOrder: 0001\nBoot0001* RHEL\tHD(1)/File(shimx64.efi)\n");
  if (address !== undefined) {
    node.file(`root/sys/bus/pci/devices/${address}/vendor`, "0x1924\n");
    node.file(`root/sys/bus/pci/devices/${address}/class`, "0x020000\n");
  }
  const { target } = await startNode(t, node.environment);
  return { node, machines: [{ name: "worker-1", consent, ...target }] };
}

test("a node on which loading would fail is a problem, with all that is in the way", async (t) => {
  const { node, machines } = await nodeWithPort(t);
  node.file("root/proc/cmdline", "module_blacklist=sfc\n");
  const { problems } = await look(machines);
  const [port, kernel] = problems;
  assert.equal(problems.length, 2);
  assert.match(port ?? "", /^worker-1: it has no port that OpenOnload's driver sfc serves; .*or set its `hold: true`/);
  assert.match(kernel ?? "", /^worker-1: the kernel argument module_blacklist= makes its kernel refuse sfc;/);
});

test("a node on which loading may fail is a warning, by the release that is to be loaded", async (t) => {
  const { node, machines } = await nodeWithPort(t, "0000:3b:00.0");
  node.file("root/proc/cpuinfo", "flags\t: fpu ibt\n");
  assert.deepEqual((await look(machines)).warnings, []);
  const { problems, warnings } = await look(machines, "9.1.0.12");
  assert.deepEqual(problems, []);
  assert.match(warnings.join(), /^worker-1: Indirect Branch Tracking is on/);
});

test("a node that may miss MokManager is a warning, while its key isn't trusted", async (t) => {
  const { node, machines } = await nodeWithPort(t, "0000:3b:00.0");
  node.file("boot-entries", "BootCurrent: 0003\nBootOrder: 0003\nBoot0003* PXE\tMAC(5254,1)\n");
  assert.match((await look(machines)).warnings.join(), /^worker-1: it was booted by the network \(boot entry 0003\)/);
  node.set("not-enrolled", "SecureBoot disabled\n");
  assert.deepEqual((await look(machines)).warnings, []);
});
