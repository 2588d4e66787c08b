import assert from "node:assert/strict";
import { test } from "node:test";
import { matches, type LabelSelector } from "../../../core/cluster/labelSelector.ts";
import {
  activeHealthChecks,
  etcdTrouble,
  poolOf,
  poolTrouble,
  severalPools,
  type MachineConfigPool,
  type NodeHealthCheck,
} from "../../../core/node/maintenance.ts";

const mco = "machineconfiguration.openshift.io";
const labels = { "node-role.kubernetes.io/worker": "", zone: "a" };
const done = { [`${mco}/currentConfig`]: "r-1", [`${mco}/desiredConfig`]: "r-1", [`${mco}/state`]: "Done" };
const node = (annotations: Record<string, string> = done) => ({ metadata: { name: "worker-1", labels, annotations } });
const pool = (name: string, role: string, ...conditions: string[]): MachineConfigPool => ({
  metadata: { name },
  spec: { nodeSelector: { matchLabels: { [`node-role.kubernetes.io/${role}`]: "" } } },
  status: { conditions: conditions.map((type) => ({ type, status: "True" })) },
});

const counted = (counts: object, wanted = "r-1", ...conditions: string[]): MachineConfigPool => {
  const { metadata, spec, status } = pool("worker", "worker", ...(conditions.length > 0 ? conditions : ["Updating"]));
  return {
    metadata,
    spec: { ...spec, configuration: { name: wanted } },
    status: { ...status, configuration: { name: "r-1" }, ...counts },
  };
};
/** As the operator shows it while an update waits: neither Updated nor Updating. */
const paused: MachineConfigPool = {
  ...pool("worker", "worker"),
  spec: { ...pool("worker", "worker").spec, paused: true, configuration: { name: "r-2" } },
};

test("a node whose config is done, in a pool that is updated, is left in peace", () => {
  assert.equal(poolTrouble(node(), [pool("worker", "worker", "Updated")]), undefined);
});

test("a node that no Machine Config Operator knows is left in peace", () => {
  assert.equal(poolTrouble(node({}), []), undefined);
});

test("other nodes' pools don't count", () => {
  assert.equal(poolTrouble(node(), [pool("master", "master", "Updating", "Degraded")]), undefined);
});

const busy: [what: string, annotations: Record<string, string>, pools: MachineConfigPool[], reason: RegExp][] = [
  [
    "has another config before it",
    { ...done, [`${mco}/desiredConfig`]: "r-2" },
    [],
    /on its way from r-1 config to r-2/,
  ],
  ["is being worked on", { ...done, [`${mco}/state`]: "Working" }, [], /Machine Config Daemon on worker-1 is Working/],
  ["is degraded", { ...done, [`${mco}/state`]: "Degraded" }, [], /is Degraded, not Done/],
  [
    "has a silent daemon",
    { [`${mco}/currentConfig`]: "r-1", [`${mco}/desiredConfig`]: "r-1" },
    [pool("worker", "worker", "Updated")],
    /is silent/,
  ],
  [
    "has another image before it, in image mode",
    { ...done, [`${mco}/currentImage`]: "os@sha256:1", [`${mco}/desiredImage`]: "os@sha256:2" },
    [],
    /on its way from os@sha256:1 image to os@sha256:2/,
  ],
  [
    "is about to be drained",
    { ...done, [`${mco}/desiredDrain`]: "drain-r-2", [`${mco}/lastAppliedDrain`]: "uncordon-r-1" },
    [],
    /from uncordon-r-1 drain request to drain-r-2/,
  ],
  [
    "moves though its pool is paused",
    { ...done, [`${mco}/desiredConfig`]: "r-2" },
    [paused],
    /on its way from r-1 config to r-2/,
  ],
  [
    "is worked on though its pool is paused",
    { ...done, [`${mco}/state`]: "Working" },
    [paused],
    /is Working, not Done/,
  ],
  [
    "is worked on without any pool, as in a hosted cluster",
    { [`${mco}/state`]: "Working" },
    [],
    /is Working, not Done/,
  ],
  [
    "is in a pool that updates",
    done,
    [pool("worker", "worker", "Updating")],
    /pool worker is Updating, not just Updated/,
  ],
  ["is in a degraded pool", done, [pool("worker", "worker", "Updated", "Degraded")], /is Updated, Degraded/],
  ["is in a pool that says nothing", done, [pool("worker", "worker")], /pool worker is unknown/],
  [
    "is in two pools, its own one busy",
    done,
    [pool("worker", "worker", "Updated"), pool("rt", "worker", "Updating")],
    /pool rt is Updating/,
  ],
  [
    "is in a pool of which not all have the configuration, and one is cordoned",
    done,
    [counted({ machineCount: 3, updatedMachineCount: 2, readyMachineCount: 1 })],
    /pool worker is Updating/,
  ],
  [
    "is in a pool that is given its next configuration while one is cordoned",
    done,
    [counted({ machineCount: 3, updatedMachineCount: 3, readyMachineCount: 2 }, "r-2")],
    /pool worker is Updating/,
  ],
  [
    "is in a pool for which an image is built, and nobody is cordoned",
    done,
    [counted({ machineCount: 3, updatedMachineCount: 3, readyMachineCount: 3 })],
    /pool worker is Updating/,
  ],
  [
    "is in a pool with one cordoned and one degraded",
    done,
    [counted({ machineCount: 3, updatedMachineCount: 3, readyMachineCount: 2 }, "r-1", "Updating", "Degraded")],
    /pool worker is Updating, Degraded/,
  ],
];
for (const [what, annotations, pools, reason] of busy) {
  test(`a node that ${what} isn't taken out of service`, () => {
    assert.match(poolTrouble(node(annotations), pools) ?? "", reason);
  });
}

const left: [what: string, annotations: Record<string, string>, pools: MachineConfigPool[]][] = [
  ["is in a paused pool for which an update waits", done, [paused]],
  [
    "is in a pool of its own without maintenance, while all other workers are updated",
    done,
    [pool("worker", "worker", "Updating"), pool("rt", "worker", "Updated")],
  ],
  [
    "is in a pool of which another is cordoned, as by a roll-out of ours",
    done,
    [counted({ machineCount: 3, updatedMachineCount: 3, readyMachineCount: 2 })],
  ],
  ["is alone in its pool, and cordoned itself", done, [counted({ machineCount: 1, updatedMachineCount: 1 })]],
  [
    "is in a pool that selects everything, and so nothing",
    done,
    [{ ...pool("all", "worker", "Updating"), spec: { nodeSelector: {} } }],
  ],
  ["is in a pool without a selector", done, [{ ...pool("none", "worker", "Updating"), spec: {} }]],
  [
    "is in two pools of the cluster's own, which leaves it without any",
    done,
    [pool("a", "worker", "Updating"), pool("b", "worker", "Updating")],
  ],
  [
    "is hosted, and had its last update in place",
    { [`${mco}/currentConfig`]: "5a4d", [`${mco}/desiredConfig`]: "5a4d" },
    [],
  ],
  [
    "has been drained and uncordoned for its last update",
    { ...done, [`${mco}/desiredDrain`]: "uncordon-r-1", [`${mco}/lastAppliedDrain`]: "uncordon-r-1" },
    [pool("worker", "worker", "Updated")],
  ],
];
for (const [what, annotations, pools] of left) {
  test(`a node that ${what} is left in peace`, () => {
    assert.equal(poolTrouble(node(annotations), pools), undefined);
  });
}

const memberships: [roles: string[], own: string[], pool: string | undefined][] = [
  [["worker"], [], "worker"],
  [["worker", "rt"], ["rt"], "rt"],
  [["rt"], ["rt"], "rt"],
  [["master"], [], "master"],
  [["master", "worker"], [], "master"],
  [["master", "worker", "rt"], ["rt"], "master"],
  [["worker", "rt", "infra"], ["rt", "infra"], undefined],
  [["master", "rt", "infra"], ["rt", "infra"], undefined],
  [["edge"], [], undefined],
];
for (const [roles, own, expected] of memberships) {
  test(`a node with the roles ${roles.join(", ")} gets its configuration from ${expected ?? "no pool"}`, () => {
    const pools = ["worker", "master", ...own].map((name) => pool(name, name, "Updated"));
    const labelled = {
      metadata: { name: "n", labels: Object.fromEntries(roles.map((role) => [`node-role.kubernetes.io/${role}`, ""])) },
    };
    assert.equal(poolOf(labelled, pools)?.metadata.name, expected);
    assert.deepEqual(severalPools(labelled, pools), own.length > 1 ? own : []);
  });
}

const etcd = (...status: [type: string, status: string][]) => ({
  status: { conditions: status.map(([type, value]) => ({ type, status: value })) },
});

test("each of the conditions of etcd's operator counts for itself", () => {
  const one = (wrong: string) =>
    etcd(
      ...[["Available", "True"] as const, ["Degraded", "False"] as const, ["Progressing", "False"] as const].map(
        ([type, good]): [string, string] => [type, type === wrong ? (good === "True" ? "False" : "True") : good],
      ),
    );
  assert.equal(etcdTrouble(one("Available")), "the ClusterOperator etcd is not Available");
  assert.equal(etcdTrouble(one("Degraded")), "the ClusterOperator etcd is Degraded");
  assert.equal(etcdTrouble(one("Progressing")), "the ClusterOperator etcd is Progressing");
  assert.match(etcdTrouble({ status: {} }) ?? "", /not Available, Degraded, Progressing/);
});

test("a pool's condition counts only where it is True", () => {
  const told = (updated: string, updating: string, degraded: string): MachineConfigPool => ({
    ...pool("worker", "worker"),
    status: {
      conditions: [
        { type: "Updated", status: updated },
        { type: "Updating", status: updating },
        { type: "Degraded", status: degraded },
      ],
    },
  });
  assert.equal(poolTrouble(node(), [told("True", "False", "False")]), undefined);
  assert.match(
    poolTrouble(node(), [told("False", "True", "False")]) ?? "",
    /pool worker is Updating, not just Updated/,
  );
  assert.match(poolTrouble(node(), [told("False", "False", "False")]) ?? "", /pool worker is unknown/);
});

test("a pool without a selector or a status has no node, and one that selects by expressions has", () => {
  const bare: MachineConfigPool = { metadata: { name: "none" } };
  const byExpression: MachineConfigPool = {
    ...pool("rt", "worker", "Updated"),
    spec: { nodeSelector: { matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] } },
  };
  assert.equal(poolOf(node(), [bare, byExpression])?.metadata.name, "rt");
  assert.match(poolTrouble(node(), [{ ...byExpression, status: {} }]) ?? "", /pool rt is unknown/);
});

test("a node that no Machine Config Daemon has ever told of isn't held to be silent, though there are pools", () => {
  assert.equal(poolTrouble(node({}), [pool("worker", "worker", "Updated")]), undefined);
});

test("a Node without annotations has no Machine, and a health check without a spec selects none", () => {
  const { name } = node().metadata;
  assert.deepEqual(activeHealthChecks({ metadata: { name, labels } }, [{ metadata: { name: "c" } }], [node()]), []);
});

test("etcd can do without a member while its operator says that all is well, and only then", () => {
  assert.equal(etcdTrouble(etcd(["Available", "True"], ["Degraded", "False"], ["Progressing", "False"])), undefined);
  assert.match(etcdTrouble(etcd(["Available", "True"], ["Degraded", "True"])) ?? "", /etcd is Degraded, Progressing$/);
  assert.match(etcdTrouble({}) ?? "", /not Available, Degraded, Progressing/);
});

const check = (name: string, spec: NodeHealthCheck["spec"]): NodeHealthCheck => ({
  metadata: { name },
  ...(spec !== undefined && { spec }),
});
const workers: LabelSelector = { matchExpressions: [{ key: "node-role.kubernetes.io/worker", operator: "Exists" }] };

test("a NodeHealthCheck that selects the node would power-cycle it, unless it is paused", () => {
  const checks = [
    check("workers", { selector: workers }),
    check("paused", { selector: workers, pauseRequests: ["upgrade"] }),
    check("masters", { selector: { matchLabels: { "node-role.kubernetes.io/master": "" } } }),
  ];
  assert.deepEqual(activeHealthChecks(node(), checks, []), [
    "NodeHealthCheck workers (pause it with spec.pauseRequests)",
  ]);
});

test("MachineHealthChecks count where a Machine stands behind the node, unless they are paused", () => {
  const checks = [
    { metadata: { name: "workers" } },
    { metadata: { name: "paused", annotations: { "cluster.x-k8s.io/paused": "" } } },
  ];
  assert.deepEqual(activeHealthChecks(node(), [], checks), []);
  const withMachine = node({ ...done, "machine.openshift.io/machine": "openshift-machine-api/worker-1" });
  assert.deepEqual(activeHealthChecks(withMachine, [], checks), [
    "MachineHealthCheck workers (pause it with the annotation cluster.x-k8s.io/paused)",
  ]);
});

const selectors: [selector: LabelSelector | undefined, selected: boolean][] = [
  [undefined, false],
  [{}, true],
  [{ matchLabels: { zone: "a" } }, true],
  [{ matchLabels: { zone: "b" } }, false],
  [{ matchLabels: { zone: "a", rack: "1" } }, false],
  [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a", "b"] }] }, true],
  [{ matchExpressions: [{ key: "zone", operator: "In", values: ["b"] }] }, false],
  [{ matchExpressions: [{ key: "rack", operator: "In", values: ["1"] }] }, false],
  [{ matchExpressions: [{ key: "zone", operator: "NotIn", values: ["b"] }] }, true],
  [{ matchExpressions: [{ key: "zone", operator: "NotIn", values: ["a"] }] }, false],
  [{ matchExpressions: [{ key: "rack", operator: "NotIn", values: ["1"] }] }, true],
  [{ matchExpressions: [{ key: "zone", operator: "Exists" }] }, true],
  [{ matchExpressions: [{ key: "rack", operator: "Exists", values: null }] }, false],
  [{ matchExpressions: [{ key: "rack", operator: "DoesNotExist" }] }, true],
  [{ matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] }, false],
  [{ matchLabels: { zone: "a" }, matchExpressions: [{ key: "rack", operator: "Exists" }] }, false],
];
for (const [selector, selected] of selectors) {
  test(`${selector === undefined ? "no selector" : JSON.stringify(selector)} ${selected ? "selects" : "passes by"} a node of zone a`, () => {
    assert.equal(matches(selector, labels), selected);
  });
}

test("an empty selector selects a node without labels, too", () => assert.equal(matches({}, undefined), true));
