import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterWarnings } from "../../../core/cluster/clusterWarnings.ts";
import type { ClusterFacts, Intent } from "../../../core/cluster/inspection.ts";
import type { BuildObject } from "../../../core/build/moduleBuild.ts";
import type { RollNode } from "../../../core/node/nodeState.ts";

const intent: Intent = {
  stack: "prod",
  namespace: "onload-kmm",
  nodes: [{ name: "w1", hold: false }],
  kernels: "^5",
  strategy: "driver-toolkit",
};

const node = (spec: RollNode["spec"] = {}, ready = "True", ...more: string[]): RollNode => ({
  metadata: {
    name: "w1",
    uid: "u",
    labels: Object.fromEntries(["worker", ...more].map((role) => [`node-role.kubernetes.io/${role}`, ""])),
  },
  spec,
  status: {
    conditions: [{ type: "Ready", status: ready }],
    nodeInfo: { machineID: "m", systemUUID: "s", kernelVersion: "5.14", bootID: "b" },
  },
});

const pool = (condition: string, name = "worker"): ClusterFacts["pools"][number] => ({
  metadata: { name },
  spec: { nodeSelector: { matchLabels: { [`node-role.kubernetes.io/${name}`]: "" } }, configuration: { name: "r-2" } },
  status: { conditions: [{ type: condition, status: "True" }], configuration: { name: "r-1" } },
});
const paused = { ...pool("none"), spec: { ...pool("none").spec, paused: true } };
const etcd = (degraded: string): ClusterFacts["etcd"] => ({
  status: {
    conditions: [
      { type: "Available", status: "True" },
      { type: "Degraded", status: degraded },
      { type: "Progressing", status: "False" },
    ],
  },
});
const master = [node({}, "True", "master")];

const facts: ClusterFacts = {
  nodes: [node()],
  nmcs: [],
  missing: [],
  remade: {},
  spoilt: [],
  signed: [],
  certificate: "",
  ownNamespaces: [],
  hasKmm: true,
  kmmVersion: "2.4.1",
  modules: [],
  hasPrivilegedScc: true,
  kmmBuilds: [],
  pools: [pool("Updated")],
  capabilities: [],
  hasEntitlement: false,
};

const build = (name: string, phase: string): BuildObject => ({ metadata: { name, uid: name }, status: { phase } });
const taint = (effect: string) => ({ taints: [{ key: "dedicated", effect }] });

const rows: [what: string, facts: Partial<ClusterFacts>, warning?: RegExp][] = [
  ["all is well", {}],
  ["the operator's version is unknown", { kmmVersion: undefined }],
  ["KMM is of the newest line that was tried", { kmmVersion: "2.7.3" }],
  [
    "KMM is newer",
    { kmmVersion: "2.10.0" },
    /found KMM 2\.10\.0, a line .* wasn't tried on .*roll out to one node first/,
  ],
  ["KMM is much newer", { kmmVersion: "3.0.0" }, /found KMM 3\.0\.0/],
  [
    "somebody deleted something",
    { missing: ["secret/a", "configmap/b-"] },
    /deleted by hand in namespace onload-kmm: secret\/a, configmap\/b-…; `up` creates it again/,
  ],
  ["one node of two has room", { nodes: [node({ unschedulable: true }), node()] }],
  ["a taint only asks to be avoided", { nodes: [node(taint("PreferNoSchedule"))] }],
  ["every node is cordoned", { nodes: [node({ unschedulable: true })] }, /no node is Ready, schedulable and without/],
  [
    "every node is dedicated",
    { nodes: [node(taint("NoSchedule"))] },
    /KMM's pull pods and builds, which tolerate none/,
  ],
  [
    "every node is being emptied",
    { nodes: [node(taint("NoExecute"))] },
    /if anything must be built, uncordon a node or remove its taint/,
  ],
  ["the only node isn't Ready", { nodes: [node({}, "Unknown")] }, /no node is Ready/],
  [
    "a build of KMM's failed",
    { kmmBuilds: [build("onload-build-a", "Failed")] },
    /KMM's last builds failed: onload-build-a \(Failed\); `up` repeats them where a node needs them/,
  ],
  [
    "a pool of a listed node is updating",
    { pools: [pool("Updating")] },
    /machine config pool worker is Updating, not just Updated; a roll-out stops at such a node's turn/,
  ],
  ["the pools are up to date", { pools: [pool("Updated")] }],
  ["another node's pool is updating", { pools: [pool("Updated"), pool("Updating", "rt")] }],
  [
    "a pool is paused, with an update before it",
    { pools: [paused] },
    /pool worker is paused, and r-2 waits: its nodes are rolled now; once it is unpaused, .* reboots them/,
  ],
  [
    "a pool is paused, with nothing before it",
    { pools: [{ ...paused, status: { configuration: { name: "r-2" } } }] },
    /pool worker is paused: its nodes are rolled now/,
  ],
  ["there are no pools", { pools: [] }, /no MachineConfigPools, as one with a hosted control plane/],
  [
    "a node is in two pools of the cluster's own",
    {
      nodes: [node({}, "True", "rt", "infra")],
      pools: [pool("Updated"), pool("Updated", "rt"), pool("Updated", "infra")],
    },
    /w1 is in rt and infra: the Machine Config Operator gives no configuration to a node in several custom pools/,
  ],
  ["a control-plane node is listed, and etcd is whole", { nodes: master, etcd: etcd("False") }],
  [
    "a control-plane node is listed, and etcd isn't whole",
    { nodes: master, etcd: etcd("True") },
    /ClusterOperator etcd is Degraded, and w1 may run/,
  ],
  [
    "a control-plane node is listed, and etcd is elsewhere",
    { nodes: master },
    /no ClusterOperator etcd: nothing tells .* without w1/,
  ],
  ["etcd isn't whole, and no control-plane node is listed", { etcd: etcd("True") }],
  ["KMM builds", { kmmBuilds: [build("onload-sign-a", "Running")] }, /KMM is building now: onload-sign-a;/],
];
test("nodes on hold are in nobody's way", () => {
  const held = { ...intent, nodes: [{ name: "w1", hold: true }] };
  assert.deepEqual(clusterWarnings(held, { ...facts, nodes: master, pools: [paused], etcd: etcd("True") }), []);
});

test("a kernel whose packages need a subscription of their own is told with its node", () => {
  const kernelVersion = "5.14.0-284.11.1.rt14.296.el9_2.x86_64";
  const nodeInfo = { machineID: "m", systemUUID: "s", bootID: "b", kernelVersion };
  const realTime = { ...node(), status: { ...node().status, nodeInfo } };
  const warnings = clusterWarnings({ ...intent, strategy: "entitled-ubi" }, { ...facts, nodes: [realTime] });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^w1: kernel 5\S+: kernel-rt-devel-5\S+ comes from RHEL's repository for real time/);
});

for (const [what, found, warning] of rows) {
  test(`${warning === undefined ? "nothing" : "a warning"} when ${what}`, () => {
    const warnings = clusterWarnings(intent, { ...facts, ...found });
    assert.equal(warnings.length, warning === undefined ? 0 : 1, warnings.join("\n"));
    if (warning !== undefined) assert.match(warnings[0] ?? "", warning);
  });
}
