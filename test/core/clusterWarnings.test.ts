import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterWarnings } from "../../core/clusterWarnings.ts";
import type { ClusterFacts, Intent } from "../../core/inspection.ts";
import type { BuildObject } from "../../core/moduleBuild.ts";
import type { RollNode } from "../../core/nodeState.ts";

const intent: Intent = {
  stack: "prod",
  namespace: "onload-kmm",
  nodes: [{ name: "w1", hold: false }],
  kernels: "^5",
  strategy: "driver-toolkit",
};

const node = (spec: RollNode["spec"] = {}, ready = "True"): RollNode => ({
  metadata: { name: "w1", uid: "u" },
  spec,
  status: {
    conditions: [{ type: "Ready", status: ready }],
    nodeInfo: { machineID: "m", systemUUID: "s", kernelVersion: "5.14", bootID: "b" },
  },
});

const facts: ClusterFacts = {
  nodes: [node()],
  nmcs: [],
  missing: [],
  remade: {},
  spoilt: [],
  certificate: "",
  ownNamespaces: [],
  hasKmm: true,
  kmmVersion: "2.4.1",
  modules: [],
  hasPrivilegedScc: true,
  kmmBuilds: [],
  pools: [],
  hasEntitlement: false,
};

const build = (name: string, phase: string): BuildObject => ({ metadata: { name, uid: name }, status: { phase } });
const pool = (condition: string): ClusterFacts["pools"][number] => ({
  metadata: { name: "worker" },
  spec: { nodeSelector: {} },
  status: { conditions: [{ type: condition, status: "True" }] },
});
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
    /deleted by hand in namespace onload-kmm: secret\/a, configmap\/b-…; `up` makes it again/,
  ],
  ["one node of two has room", { nodes: [node({ unschedulable: true }), node()] }],
  ["a taint only asks to be avoided", { nodes: [node(taint("PreferNoSchedule"))] }],
  ["every node is cordoned", { nodes: [node({ unschedulable: true })] }, /no node is Ready, schedulable and without/],
  [
    "every node is dedicated",
    { nodes: [node(taint("NoSchedule"))] },
    /KMM's pull pods and builds, which tolerate none/,
  ],
  ["every node is being emptied", { nodes: [node(taint("NoExecute"))] }, /uncordon one, or take its taint off/],
  ["the only node isn't Ready", { nodes: [node({}, "Unknown")] }, /no node is Ready/],
  [
    "a build of KMM's failed",
    { kmmBuilds: [build("onload-build-a", "Failed")] },
    /KMM's last builds failed: onload-build-a \(Failed\); `up` has them made again/,
  ],
  [
    "a pool of a listed node is updating",
    { pools: [pool("Updating")] },
    /machine config pool worker is Updating, not just Updated; a roll-out ends when such a node's turn comes/,
  ],
  ["the pools are up to date", { pools: [pool("Updated")] }],
  ["KMM builds", { kmmBuilds: [build("onload-sign-a", "Running")] }, /KMM is building now: onload-sign-a;/],
];
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
