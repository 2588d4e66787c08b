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
async function scene(t: TestContext, mode = "attended") {
  const cluster = new FakeCluster(t);
  const node = machine(t);
  const { host, target } = await startNode(t, node.environment);
  cluster.put(
    { kind: "Namespace", metadata: { name: "ns", annotations: { [`${policyPrefix}enrolment.mode`]: `"${mode}"` } } },
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
type Scene = Awaited<ReturnType<typeof scene>>;

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

test("in operator mode a node that doesn't trust the key yet is pending, whatever runs on it", async (t) => {
  const { node, prove } = await scene(t, "operator");
  node.set("pending");
  const { code, stdout, stderr } = await prove();
  assert.equal(code, 0, stderr);
  const { state, key, bootId } = JSON.parse(stdout) as Record<string, string>;
  assert.deepEqual({ state, key, bootId }, { state: "pending", key: "pending", bootId: undefined });
});

test("in operator mode a node that trusts the key must be proven, too", async (t) => {
  const { node, prove } = await scene(t, "operator");
  node.file("root/sys/module/sfc/taint", "\n");
  const { code, stderr } = await prove();
  assert.equal(code, 1);
  assert.match(stderr, /w1: not proven: sfc is the kernel's own, not OpenOnload's;/);
});

const unproven: [what: string, change: (scene: Scene) => void, reason: RegExp][] = [
  [
    "whose label names another version",
    ({ cluster }) => cluster.change("Node", "w1", ({ metadata }) => (metadata.labels = { [versionLabel]: "v0" })),
    /w1: not proven: the node's version label is v0, not v1; run `pulumi up` again/,
  ],
  [
    "for which KMM reports nothing",
    ({ cluster }) => cluster.change("NodeModulesConfig", "w1", (nmc) => Object.assign(nmc, { status: {} })),
    /w1: not proven: KMM reports no loaded module;/,
  ],
  [
    "that has booted since the modules were loaded",
    ({ cluster }) => changeNodeInfo(cluster, { bootID: "boot-2" }),
    /w1: not proven: the module was loaded before the node's last boot;/,
  ],
  [
    "on which a module lacks a signature that its kernel trusts",
    ({ node }) => node.file("root/sys/module/onload/taint", "OE\n"),
    /w1: not proven: onload is not signed by a trusted key;/,
  ],
  [
    "on which a module isn't live, whatever KMM reports",
    ({ node }) => node.file("root/sys/module/sfc_char/initstate", "going\n"),
    /w1: not proven: sfc_char is not live;/,
  ],
  [
    "that runs another kernel than when the run began",
    ({ cluster }) => changeNodeInfo(cluster, { kernelVersion: "5.14.0-2.el9.x86_64" }),
    /w1 changed since this run began: kernel 5\.14\.0-2\.el9\.x86_64 instead of 5\.14\.0-1\.el9\.x86_64;/,
  ],
  [
    "that is another machine under the same name",
    ({ cluster }) => changeNodeInfo(cluster, { machineID: "m2", systemUUID: "s2" }),
    /w1 changed since this run began: machine ID m2 instead of m, system UUID s2 instead of s;/,
  ],
  [
    "whose Node was made anew",
    ({ cluster }) => cluster.change("Node", "w1", ({ metadata }) => (metadata.uid = "uid-2")),
    /w1 changed since this run began: Node object uid-2 instead of uid-w1;/,
  ],
  [
    "that isn't Ready, and doesn't become so",
    ({ cluster }) => setReady(cluster, "Unknown"),
    /timed out after 60 s waiting for w1, to be proven: the node isn't Ready;/,
  ],
];
for (const [what, change, reason] of unproven) {
  test(`a node ${what}, is not proven`, async (t) => {
    const given = await scene(t);
    change(given);
    const { code, stdout, stderr } = await given.prove();
    assert.deepEqual([code, stdout], [1, ""], stderr);
    assert.match(stderr, reason);
  });
}

test("a node whose heartbeat is late is waited for", async (t) => {
  const { cluster, prove } = await scene(t);
  setReady(cluster, "Unknown");
  const stop = cluster.onCall(() => {
    if (cluster.commands.filter((command) => command.startsWith("get nodes w1")).length > 2) setReady(cluster, "True");
  });
  const { code, stderr } = await prove();
  stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /waiting for w1, to be proven: the node isn't Ready\n[^]*w1: proven, version v1\n$/);
});

test("a node that doesn't answer is not proven", async (t) => {
  const { host, prove } = await scene(t);
  await host.stop();
  const { code, stderr } = await prove();
  assert.equal(code, 1);
  assert.match(stderr, /127\.0\.0\.1:\d+: no SSH connection \(connect ECONNREFUSED/);
});

test("a node that is gone is told as such, and not waited for", async (t) => {
  const { cluster, prove } = await scene(t);
  // Under its own name there is no Node any more.
  cluster.change("Node", "w1", ({ metadata }) => (metadata.name = "w2"));
  const { code, stderr } = await prove();
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^w1: the node is gone; remove it from onload-kmm:nodes, or let it join, and run again \[OKMM-NODE-GONE\]$/m,
  );
});

function changeNodeInfo(cluster: FakeCluster, change: object): void {
  cluster.change("Node", "w1", (node) => {
    const { nodeInfo } = node["status"] as { nodeInfo: object };
    Object.assign(nodeInfo, change);
  });
}

function setReady(cluster: FakeCluster, status: string): void {
  cluster.change("Node", "w1", (node) => {
    Object.assign(node["status"] as object, { conditions: [{ type: "Ready", status }] });
  });
}
