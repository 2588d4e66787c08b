import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { kernelModules, kmm, policyPrefix } from "../../core/names.ts";
import { FakeNode } from "../assets/node/fakeNode.ts";
import { FakeCluster } from "./fakeCluster.ts";
import { startNode } from "./node/sshNode.ts";

const kernel = "5.14.0-1.el9.x86_64";
const image = `registry/onload:9.0-abc-${kernel}`;
const module = {
  namespace: "ns",
  name: "onload",
  version: "v1",
  image: "registry/onload:9.0-abc-${KERNEL_FULL_VERSION}",
};
const versionLabel = kmm.versionLabel(module.namespace, module.name);
const certificate = `-----BEGIN CERTIFICATE-----\n${Buffer.from("a certificate").toString("base64")}\n-----END CERTIFICATE-----\n`;
const entry = { namespace: "ns", name: "onload", config: { containerImage: image, kernelVersion: kernel } };

/** A machine with one port, on which OpenOnload's four modules are live, signed by the enrolled key. */
function machine(t: TestContext): FakeNode {
  const node = new FakeNode();
  t.after(() => node.remove());
  node.set("enrolled");
  node.file("root/proc/sys/kernel/osrelease", `${kernel}\n`);
  node.file("root/etc/machine-id", "m\n");
  node.file("root/sys/class/dmi/id/product_uuid", "s\n");
  node.file("root/dev/onload", "");
  for (const name of kernelModules) {
    const about = { initstate: "live\n", version: "9.0.2.140\n", srcversion: `${name}-source\n`, taint: "O\n" };
    for (const [file, text] of Object.entries(about)) node.file(`root/sys/module/${name}/${file}`, text);
    const layer = `root/var/lib/containers/storage/overlay/a/diff/opt/lib/modules/${kernel}/extra`;
    node.file(`${layer}/${name}.ko`, `${name}-source\nExample Corp\n`);
  }
  const device = "root/sys/bus/pci/devices/0000:3b:00.0";
  for (const [file, text] of Object.entries({ vendor: "0x1924\n", device: "0x0b03\n", class: "0x020000\n" })) {
    node.file(`${device}/${file}`, text);
  }
  node.link(`${device}/driver`, "../../drivers/sfc");
  node.link("root/sys/class/net/ens1/device", "../../../bus/pci/devices/0000:3b:00.0");
  return node;
}

/** The machine in a cluster where KMM has loaded `v1`, and how the step is run for it. */
async function scene(t: TestContext) {
  const cluster = new FakeCluster(t);
  const node = machine(t);
  const { host, target } = await startNode(t, node.environment);
  cluster.put(
    { kind: "Namespace", metadata: { name: "ns", annotations: { [`${policyPrefix}enrolment.mode`]: '"attended"' } } },
    {
      kind: "Node",
      metadata: { name: "w1", labels: { [versionLabel]: "v1", [kmm.readyLabel(module.namespace, module.name)]: "" } },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        nodeInfo: { bootID: "boot-1", kernelVersion: kernel, machineID: "m", systemUUID: "s" },
      },
    },
    {
      kind: "NodeModulesConfig",
      metadata: { name: "w1" },
      spec: { modules: [entry] },
      status: { modules: [{ ...entry, bootId: "boot-1" }] },
    },
  );
  const identity = { name: "w1", uid: "uid-w1", machineId: "m", systemUuid: "s", kernel };
  const prove = () =>
    cluster.step("proveNode", { cluster: cluster.access, node: identity, module, ssh: target, certificate });
  return { cluster, node, host, prove };
}

test("a node that runs what this stack built is proven, with all that shows it, and nothing is changed", async (t) => {
  const { cluster, node, prove } = await scene(t);
  const { code, stdout, stderr } = await prove();
  assert.equal(code, 0, stderr);
  const live = { version: "9.0.2.140", signers: ["Example Corp"] };
  assert.deepEqual(JSON.parse(stdout), {
    node: "w1",
    secureBoot: "enabled",
    key: "enrolled",
    kernel,
    cards: [{ pci: "0000:3b:00.0", part: "unknown", serial: "unknown", firmware: "8.4.0.1003 rx1 tx1" }],
    state: "proven",
    bootId: "boot-1",
    image,
    version: "v1",
    modules: { onload: live, sfc: live, sfc_char: live, sfc_resource: live },
    interfaces: [{ name: "ens1", driver: "sfc", version: "9.0.2.140" }],
  });
  assert.match(stderr, /w1: proven, version v1\n$/);
  assert.deepEqual(
    cluster.commands.filter((command) => !command.startsWith("get")),
    [],
  );
  assert.deepEqual(
    node.calls.filter((call) => !/^--(sb-state|test-key|list-)/.test(call)),
    [],
  );
});

test("a node that doesn't answer is not proven", async (t) => {
  const { host, prove } = await scene(t);
  await host.stop();
  const { code, stderr } = await prove();
  assert.equal(code, 1);
  assert.match(stderr, /127\.0\.0\.1:\d+: no SSH connection \(connect ECONNREFUSED/);
});
