import assert from "node:assert/strict";
import { test } from "node:test";
import { matches, type LabelSelector } from "../../core/labelSelector.ts";
import { activeHealthChecks, poolTrouble, type MachineConfigPool, type NodeHealthCheck } from "../../core/quiet.ts";

const mco = "machineconfiguration.openshift.io";
const labels = { "node-role.kubernetes.io/worker": "", zone: "a" };
const done = { [`${mco}/currentConfig`]: "r-1", [`${mco}/desiredConfig`]: "r-1", [`${mco}/state`]: "Done" };
const node = (annotations: Record<string, string> = done) => ({ metadata: { name: "worker-1", labels, annotations } });
const pool = (name: string, role: string, ...conditions: string[]): MachineConfigPool => ({
  metadata: { name },
  spec: { nodeSelector: { matchLabels: { [`node-role.kubernetes.io/${role}`]: "" } } },
  status: { conditions: conditions.map((type) => ({ type, status: "True" })) },
});

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
  ["has a silent daemon", { [`${mco}/currentConfig`]: "r-1", [`${mco}/desiredConfig`]: "r-1" }, [], /is silent/],
  [
    "is in a pool that updates",
    done,
    [pool("worker", "worker", "Updating")],
    /pool worker is Updating, not just Updated/,
  ],
  ["is in a degraded pool", done, [pool("worker", "worker", "Updated", "Degraded")], /is Updated, Degraded/],
  ["is in a pool that says nothing", done, [pool("worker", "worker")], /pool worker is unknown/],
  [
    "is in two pools, one of them busy",
    done,
    [pool("worker", "worker", "Updated"), { ...pool("rt", "worker", "Updating") }],
    /pool rt is Updating/,
  ],
];
for (const [what, annotations, pools, reason] of busy) {
  test(`a node that ${what} isn't taken out of service`, () => {
    assert.match(poolTrouble(node(annotations), pools) ?? "", reason);
  });
}

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
