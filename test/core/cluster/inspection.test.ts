import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clusterProblems,
  identityOf,
  listedNodes,
  type ClusterFacts,
  type Intent,
  type ModuleObject,
} from "../../../core/cluster/inspection.ts";
import type { RollNode } from "../../../core/node/nodeState.ts";

const intent: Intent = {
  stack: "prod",
  namespace: "onload-kmm",
  nodes: [
    { name: "worker-2", hold: false },
    { name: "worker-1", hold: true },
  ],
  kernels: "^5\\.14\\.",
  strategy: "driver-toolkit",
};

const node = (name: string, labels: Record<string, string> = {}, kernel = "5.14.0-1.el9_6.x86_64"): RollNode => ({
  metadata: { name, uid: `uid-${name}`, labels },
  status: {
    nodeInfo: { machineID: `machine-${name}`, systemUUID: `system-${name}`, kernelVersion: kernel, bootID: "boot" },
  },
});

const facts: ClusterFacts = {
  nodes: [node("master-0"), node("worker-1"), node("worker-2", { "onload-kmm.io/stack": "prod" })],
  nmcs: [{ metadata: { name: "worker-1" }, spec: { modules: [] } }],
  missing: [],
  remade: {},
  spoilt: [],
  signed: [],
  certificate: "",
  ownNamespaces: [],
  hasKmm: true,
  kmmVersion: "2.4.1",
  modules: [],
  capabilities: ["Build", "ImageRegistry", "Console"],
  registryState: "Managed",
  hasPrivilegedScc: true,
  kmmBuilds: [],
  pools: [],
  hasEntitlement: false,
};

const module = (name: string, loads: string | undefined, labels = {}): ModuleObject => ({
  metadata: { name, namespace: "kmm-demo", uid: "u", labels },
  spec: { moduleLoader: { container: { modprobe: { ...(loads !== undefined && { moduleName: loads }) } } } },
});
const namespace = (labels = {}, more = {}): ClusterFacts["namespace"] => ({
  metadata: { name: "onload-kmm", uid: "u", labels, ...more },
});

test("a cluster as expected has no problems", () => assert.deepEqual(clusterProblems(intent, facts), []));

test("with a registry of its own a stack needs no internal one, nor its capability", () => {
  const registry = { repository: "registry.example.com/team/onload", pushSecret: "openshift-config/push" };
  const without = { ...facts, capabilities: ["Build"], registryState: "Removed" };
  assert.deepEqual(clusterProblems({ ...intent, registry }, without), []);
});

test("nodes are found in the list's order, not the cluster's, each with KMM's account of it", () => {
  const found = listedNodes(intent, facts);
  assert.deepEqual(
    found.map(({ node: { metadata } }) => metadata.name),
    ["worker-2", "worker-1"],
  );
  assert.deepEqual(
    found.map(({ nmc }) => nmc?.spec),
    [undefined, { modules: [] }],
  );
});

test("of a Node only what roll-outs look at is taken along", () => {
  const marks = {
    "onload-kmm.io/stack": "prod",
    "kmm.node.kubernetes.io/onload-kmm.onload.ready": "",
    "kubernetes.io/hostname": "worker-2",
  };
  const conditions = [
    { type: "Ready", status: "True", lastHeartbeatTime: "2026-01-31T12:00:00Z" },
    { type: "DiskPressure", status: "False" },
  ];
  const whole = node("worker-2", marks);
  const [found] = listedNodes(intent, { ...facts, nodes: [{ ...whole, status: { ...whole.status, conditions } }] });
  assert.deepEqual(Object.keys(found?.node.metadata.labels ?? {}), Object.keys(marks).slice(0, 2));
  assert.deepEqual(found?.node.status.conditions, [{ type: "Ready", status: "True" }]);
});

test("a Node's identity is its object, its installation, its mainboard and its kernel", () => {
  assert.deepEqual(identityOf(node("worker-2")), {
    name: "worker-2",
    uid: "uid-worker-2",
    machineId: "machine-worker-2",
    systemUuid: "system-worker-2",
    kernel: "5.14.0-1.el9_6.x86_64",
  });
});

test("a node that the cluster doesn't have isn't found", () => {
  assert.deepEqual(listedNodes({ ...intent, nodes: [{ name: "worker-9", hold: false }] }, facts), []);
});

const tags = ["9.6.20251015-1", "latest"];
/** A node of this OS version of CoreOS. */
function onOs(name: string, version: string, kernel?: string): RollNode {
  const found = node(name, {}, kernel);
  const nodeInfo = { ...found.status.nodeInfo, osImage: `Red Hat Enterprise Linux CoreOS ${version}` };
  return { ...found, status: { ...found.status, nodeInfo } };
}
/** The stack's own Module, which maps the nodes' kernel. */
const built: ClusterFacts["module"] = {
  metadata: { name: "onload", uid: "u", labels: {} },
  spec: { moduleLoader: { container: { kernelMappings: [{ literal: "5.14.0-1.el9_6.x86_64" }] } } },
} as unknown as ClusterFacts["module"];

const entitled: Partial<Intent> = { strategy: "entitled-ubi" };
const problems: [situation: string, facts: Partial<ClusterFacts>, intent: Partial<Intent>, problem: RegExp][] = [
  ["KMM isn't installed", { hasKmm: false }, {}, /Kernel Module Management operator isn't installed.*OperatorHub/],
  ["KMM is too old", { kmmVersion: "2.3.0" }, {}, /found KMM 2\.3\.0, expected 2\.4 or later; upgrade the operator/],
  ["KMM is of the 1.x line", { kmmVersion: "1.1.2" }, {}, /found KMM 1\.1\.2/],
  [
    "builds are disabled",
    { capabilities: ["ImageRegistry"] },
    {},
    /the capability Build is disabled; add it to .*additionalEnabledCapabilities/,
  ],
  ["the registry's capability is disabled", { capabilities: ["Build"] }, {}, /capability ImageRegistry is disabled/],
  ["it isn't OpenShift", { capabilities: undefined, hasPrivilegedScc: false }, {}, /no ClusterVersion.*OpenShift/],
  [
    "the registry is removed",
    { registryState: "Removed" },
    {},
    /is Removed, expected Managed; set onload-kmm:registry to use a registry of your own/,
  ],
  ["the registry isn't configured", { registryState: undefined }, {}, /is not configured, expected Managed/],
  ["the privileged SCC is gone", { hasPrivilegedScc: false }, {}, /no SecurityContextConstraints named privileged/],
  [
    "the namespace is somebody's own",
    { namespace: namespace() },
    {},
    /namespace onload-kmm exists and was not made by this program; set onload-kmm:namespace/,
  ],
  [
    "the namespace is another stack's",
    { namespace: namespace({ "onload-kmm.io/stack": "dev" }) },
    {},
    /belongs to the stack "dev"; set onload-kmm:namespace to another name/,
  ],
  [
    "the stack lives in another namespace",
    { ownNamespaces: ["onload"] },
    {},
    /^onload-kmm:namespace: found "onload-kmm", but the stack "prod" lives in onload; a stack keeps its namespace for life/,
  ],
  [
    "our namespace is being deleted",
    { namespace: namespace({ "onload-kmm.io/stack": "prod" }, { deletionTimestamp: "2026-01-31T12:00:00Z" }) },
    {},
    /is being deleted; wait until it is gone.*reboot the nodes/,
  ],
  [
    "a hand-made Module loads onload",
    { modules: [module("my-nic", "onload")] },
    {},
    /Module kmm-demo\/my-nic loads OpenOnload already.*delete it.*Migrating a hand-made Module/,
  ],
  ["a hand-made Module loads sfc", { modules: [module("nic", "sfc")] }, {}, /Module kmm-demo\/nic/],
  ["a hand-made Module has our name", { modules: [module("onload", undefined)] }, {}, /Module kmm-demo\/onload/],
  [
    "there is no entitlement to build with",
    {},
    entitled,
    /^onload-kmm:build\.strategy: found "entitled-ubi", but .* no Secret etc-pki-entitlement.*Insights.*"driver-toolkit"/,
  ],
  [
    "a kernel's packages are in no repository",
    { hasEntitlement: true, nodes: [node("worker-1", {}, "5.14.0-592.el9.x86_64"), node("worker-2")] },
    entitled,
    /^onload-kmm:nodes\[1\]\.name: found "worker-1", but nothing can be built for its kernel 5\.14\.0-592\.el9\.x86_64: it is of CentOS Stream/,
  ],
  [
    "a kernel isn't in the Driver Toolkit",
    { nodes: [node("worker-1", {}, "5.14.0-1.el9_6.x86_64+debug"), node("worker-2")] },
    {},
    /"worker-1", but nothing can be built for its kernel \S+\+debug: .* has no kernel-debug-devel; .*entitled-ubi, or remove the node from the list \[OKMM-KERNEL-UNBUILDABLE\]$/,
  ],
  [
    "a node's OS version has no Driver Toolkit",
    {
      nodes: [onOs("worker-1", "10.2.20260512-0"), onOs("worker-2", "9.6.20251015-1", "5.14.0-2.el9_6.x86_64")],
      toolkitTags: tags,
    },
    {},
    /"worker-1", but nothing can be built for its kernel 5\.14\.0-1\S+: the ImageStream openshift\/driver-toolkit has no tag .*CoreOS 10\.2\.20260512-0/,
  ],
  [
    "a node is misspelt",
    {},
    { nodes: [{ name: "worker-3", hold: false }] },
    /^onload-kmm:nodes\[0\]\.name: found "worker-3", expected a node of the cluster: master-0, worker-1, worker-2 \[OKMM-NODE-UNKNOWN\]$/,
  ],
  [
    "a node belongs to another stack",
    { nodes: [node("worker-1", { "onload-kmm.io/stack": "dev" }), node("worker-2")] },
    {},
    /^onload-kmm:nodes\[1\]\.name: worker-1 belongs to the stack "dev"; remove it from that stack's list first/,
  ],
  [
    "a node's kernel isn't built for",
    { nodes: [node("worker-1"), node("worker-2", {}, "6.12.0-1.el10.x86_64")] },
    {},
    /^onload-kmm:build\.kernels: found "\^5\\\.14\\\.", which doesn't match worker-2's kernel 6\.12\.0-1\.el10\.x86_64 \[OKMM-KERNEL-PATTERN\]$/,
  ],
];
for (const [situation, found, wanted, problem] of problems) {
  test(`nothing begins when ${situation}, and the message says what to do`, () => {
    const [first = "", ...more] = clusterProblems({ ...intent, ...wanted }, { ...facts, ...found });
    assert.match(first, problem);
    assert.deepEqual(more, []);
  });
}

const fine: [situation: string, facts: Partial<ClusterFacts>, intent?: Partial<Intent>][] = [
  ["KMM is newer", { kmmVersion: "2.10.0" }],
  ["KMM is much newer", { kmmVersion: "3.0.0" }],
  ["KMM's version can't be read", { kmmVersion: undefined }],
  ["the namespace is ours already", { namespace: namespace({ "onload-kmm.io/stack": "prod" }) }],
  ["our own Module is there", { modules: [module("onload", "onload", { "onload-kmm.io/stack": "prod" })] }],
  [
    "another stack has a Module for its own nodes",
    { modules: [module("onload", "onload", { "onload-kmm.io/stack": "b" })] },
  ],
  ["somebody's Module loads something else", { modules: [module("gpu", "amdgpu")] }],
  ["the entitlement is there", { hasEntitlement: true }, entitled],
  [
    "RHEL 10 and 64k kernels are there with an entitlement",
    {
      hasEntitlement: true,
      nodes: [
        node("worker-1", {}, "6.12.0-124.8.1.el10_1.aarch64+64k"),
        node("worker-2", {}, "5.14.0-284.11.1.rt14.296.el9_2.x86_64"),
      ],
    },
    { ...entitled, kernels: "." },
  ],
  [
    "each OS version has its Driver Toolkit",
    { nodes: [onOs("worker-1", "9.6.20251015-1"), onOs("worker-2", "9.6.20251015-1")], toolkitTags: tags },
  ],
  [
    "a Driver Toolkit is gone of a kernel that was built for: in an upgrade the image is there still",
    { nodes: [onOs("worker-1", "9.4.1-0"), onOs("worker-2", "9.4.1-0")], toolkitTags: tags, module: built },
  ],
  [
    "a pattern names the real-time kernels as uname does",
    { nodes: [node("worker-1", {}, "5.14.0-1.el9_6.x86_64+rt"), node("worker-2", {}, "5.14.0-1.el9_6.x86_64")] },
    { kernels: "x86_64(\\+rt)?$" },
  ],
  ["an unlisted node has another kernel", { nodes: [...facts.nodes, node("old", {}, "4.18.0-1.el8.x86_64")] }],
];
for (const [situation, found, wanted] of fine) {
  test(`it may begin when ${situation}`, () => {
    assert.deepEqual(clusterProblems({ ...intent, ...wanted }, { ...facts, ...found }), []);
  });
}

test("all problems of a cluster are told at once", () => {
  const nothing: ClusterFacts = {
    nodes: [],
    nmcs: [],
    missing: [],
    remade: {},
    spoilt: [],
    signed: [],
    certificate: "",
    ownNamespaces: [],
    hasKmm: false,
    modules: [module("onload", "onload")],
    hasPrivilegedScc: false,
    kmmBuilds: [],
    pools: [],
    namespace: namespace(),
    hasEntitlement: false,
  };
  const found = clusterProblems({ ...intent, strategy: "entitled-ubi" }, nothing);
  assert.deepEqual(
    found.map((problem) => problem.slice(0, 41)),
    [
      "cluster: the Kernel Module Management ope",
      "cluster: no ClusterVersion; this program ",
      "cluster: namespace onload-kmm exists and ",
      "cluster: Module kmm-demo/onload loads Ope",
      'onload-kmm:build.strategy: found "entitle',
      'onload-kmm:nodes[0].name: found "worker-2',
      'onload-kmm:nodes[1].name: found "worker-1',
    ],
  );
});
