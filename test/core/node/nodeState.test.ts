import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cordonedBy,
  isControlPlane,
  isCordoned,
  isHeld,
  isReady,
  rollOf,
  whyNotLoaded,
  whyNotUnloaded,
  type Expected,
  type NodeModulesConfig,
  type RollNode,
  expectedOn,
} from "../../../core/node/nodeState.ts";

const expected: Expected = { namespace: "ns", module: "onload", version: "v2", image: "registry/onload:v2" };
const config = { containerImage: expected.image, kernelVersion: "5.14.0", modprobe: { moduleName: "onload" } };
const entry = { name: "onload", namespace: "ns", config };
const labels = {
  "kmm.node.kubernetes.io/version-module.ns.onload": "v2",
  "kmm.node.kubernetes.io/ns.onload.ready": "",
};

const node = (metadata: Partial<RollNode["metadata"]> = {}, rest: Partial<RollNode> = {}): RollNode => ({
  metadata: { name: "worker-1", uid: "u", labels, ...metadata },
  status: { nodeInfo: { bootID: "boot-2", kernelVersion: "5.14.0", machineID: "m", systemUUID: "s" } },
  ...rest,
});

const nmc = (spec: object | undefined, status: object | undefined): NodeModulesConfig => ({
  ...(spec !== undefined && { spec: { modules: [{ ...entry, ...spec }] } }),
  ...(status !== undefined && { status: { modules: [{ ...entry, bootId: "boot-2", ...status }] } }),
});

test("a node is loaded when spec, status, boot, label and version agree", () => {
  assert.equal(whyNotLoaded(node(), nmc({}, {}), expected), undefined);
});

test("the keys' order in KMM's config doesn't count", () => {
  const reversed = Object.fromEntries(Object.entries(config).reverse());
  assert.equal(whyNotLoaded(node(), nmc({}, { config: reversed }), expected), undefined);
});

const old = { ...config, containerImage: "registry/onload:v1" };
const notLoaded: [situation: string, node: RollNode, nmc: NodeModulesConfig | undefined, reason: RegExp][] = [
  ["nobody has labelled the node", node({ labels: {} }), nmc({}, {}), /version label is missing, not v2/],
  [
    "the version label has a typo",
    node({ labels: { ...labels, "kmm.node.kubernetes.io/version-module.ns.onload": "v22" } }),
    nmc({}, {}),
    /version label is v22, not v2/,
  ],
  ["KMM knows nothing of the node", node(), undefined, /KMM asks for nothing, not registry\/onload:v2/],
  ["KMM's entry is for another namespace's Module", node(), nmc({ namespace: "other" }, {}), /KMM asks for nothing/],
  ["KMM's entry is for another Module of the namespace", node(), nmc({ name: "other" }, {}), /KMM asks for nothing/],
  ["KMM still asks for the old image", node(), nmc({ config: old }, { config: old }), /asks for registry\/onload:v1/],
  ["KMM reports nothing loaded", node(), nmc({}, undefined), /reports no loaded module/],
  ["the old image is loaded while .ready stays", node(), nmc({}, { config: old }), /still changing the module/],
  [
    "another setting of the same image is loaded",
    node(),
    nmc({}, { config: { ...config, modprobe: { moduleName: "sfc" } } }),
    /still changing the module/,
  ],
  ["the node booted since, and .ready stayed", node(), nmc({}, { bootId: "boot-1" }), /before the node's last boot/],
  [
    "the ready label is gone",
    node({ labels: { "kmm.node.kubernetes.io/version-module.ns.onload": "v2" } }),
    nmc({}, {}),
    /ready label is missing/,
  ],
];
for (const [situation, found, modules, reason] of notLoaded) {
  test(`a node isn't loaded when ${situation}`, () => {
    assert.match(whyNotLoaded(found, modules, expected) ?? "", reason);
  });
}

test("a node is rid of the module when spec, status and label say so", () => {
  assert.equal(whyNotUnloaded(node({ labels: {} }), { spec: {}, status: {} }, expected), undefined);
  assert.equal(whyNotUnloaded(node({ labels: {} }), undefined, expected), undefined);
});

test("another namespace's Module of the same name doesn't keep a node from leaving", () => {
  const other = nmc({ namespace: "other" }, { namespace: "other" });
  assert.equal(whyNotUnloaded(node({ labels: {} }), other, expected), undefined);
});

const notUnloaded: [situation: string, node: RollNode, nmc: NodeModulesConfig | undefined, reason: RegExp][] = [
  ["KMM still wants it", node({ labels: {} }), nmc({}, undefined), /still wants it loaded/],
  ["KMM still reports it", node({ labels: {} }), nmc(undefined, {}), /reports it as loaded/],
  ["the ready label is there", node(), undefined, /ready label is still there/],
];
for (const [situation, found, modules, reason] of notUnloaded) {
  test(`a node isn't rid of the module when ${situation}`, () => {
    assert.match(whyNotUnloaded(found, modules, expected) ?? "", reason);
  });
}

const conditions: [status: string | undefined, ready: boolean][] = [
  ["True", true],
  ["False", false],
  ["Unknown", false],
  [undefined, false],
];
for (const [status, ready] of conditions) {
  test(`a node whose Ready condition is ${status ?? "missing"} ${ready ? "is" : "isn't"} ready`, () => {
    const { nodeInfo } = node().status;
    const found = [
      { type: "MemoryPressure", status: "True" },
      ...(status === undefined ? [] : [{ type: "Ready", status }]),
    ];
    assert.equal(isReady(node({}, { status: { nodeInfo, conditions: found } })), ready);
  });
}

test("a node without conditions isn't ready", () => assert.equal(isReady(node()), false));

test("a cordon is ours only where our annotation says so", () => {
  const cordoned = node({ annotations: { "onload-kmm.io/cordoned-by": "dev" } }, { spec: { unschedulable: true } });
  assert.equal(isCordoned(cordoned), true);
  assert.equal(cordonedBy(cordoned), "dev");
  assert.equal(isCordoned(node({}, { spec: {} })), false);
  assert.equal(cordonedBy(node({}, { spec: { unschedulable: true } })), undefined);
});

for (const role of ["control-plane", "master"]) {
  test(`a node with the role ${role} is of the control plane`, () => {
    assert.equal(isControlPlane(node({ labels: { ...labels, [`node-role.kubernetes.io/${role}`]: "" } })), true);
  });
}

test("a worker isn't of the control plane", () => {
  assert.equal(isControlPlane(node({ labels: { ...labels, "node-role.kubernetes.io/worker": "" } })), false);
});

test("roll-outs pass a node by only where its annotation says so", () => {
  assert.equal(isHeld(node({ annotations: { "onload-kmm.io/hold": "" } })), true);
  assert.equal(isHeld(node({ annotations: { "example.com/hold": "" } })), false);
});

test("a Node without labels, annotations and spec is a worker in service with nothing of ours", () => {
  const { status } = node();
  const bare: RollNode = { metadata: { name: "worker-1", uid: "u" }, status };
  assert.equal(isControlPlane(bare), false);
  assert.equal(isCordoned(bare), false);
  assert.equal(isHeld(bare), false);
  assert.equal(cordonedBy(bare), undefined);
  assert.equal(rollOf(bare, "dev"), undefined);
  assert.match(whyNotLoaded(bare, nmc({}, {}), expected) ?? "", /version label is missing/);
  assert.equal(whyNotUnloaded(bare, undefined, expected), undefined);
});

test("what a node must load has its kernel filled in as KMM does", () => {
  const module = { namespace: "ns", name: "onload", version: "v1", image: "registry/onload:1-${KERNEL_FULL_VERSION}" };
  assert.deepEqual(expectedOn("5.14.0-1.el9.x86_64+rt", module), {
    namespace: "ns",
    module: "onload",
    version: "v1",
    image: "registry/onload:1-5.14.0-1.el9.x86_64_rt",
  });
});
