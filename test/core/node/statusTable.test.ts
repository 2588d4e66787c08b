import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeModulesConfig, RollNode } from "../../../core/node/nodeState.ts";
import {
  nodeStatus,
  statusOf,
  type NodeReport,
  type NodeStatus,
  type StatusView,
} from "../../../core/node/nodeStatus.ts";
import { formatTable, summary } from "../../../core/node/statusTable.ts";
import { machine as healthy, pci } from "./machines.ts";

const config = { containerImage: "registry/onload:1", kernelVersion: "5.14" };
const module = { name: "onload", namespace: "ns", config };
const versionLabel = "kmm.node.kubernetes.io/version-module.ns.onload";

function node(change: Partial<RollNode["metadata"]> = {}, spec: RollNode["spec"] = {}): RollNode {
  return {
    metadata: { name: "w1", uid: "u", ...change },
    spec,
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      nodeInfo: { bootID: "boot-2", kernelVersion: "5.14", machineID: "m", systemUUID: "s" },
    },
  };
}

const live = { version: "9.0", outOfTree: true, unsigned: false, signers: ["us"] };
const machine = healthy({
  kernel: "5.14",
  bootId: "boot-2",
  modules: { onload: live, sfc: live, sfc_char: live, sfc_resource: live },
  ports: [pci(), pci()],
  interfaces: [0, 1].map((port) => ({
    ...{ name: `ens1f${port}`, pci: "0000:3b:00.0", driver: "sfc", version: "9.0", firmware: "8.4.0.1003" },
  })),
});
const nmc = (bootId = "boot-2", loaded = config): NodeModulesConfig => ({
  spec: { modules: [module] },
  status: { modules: [{ ...module, config: loaded, bootId }] },
});

type Mode = StatusView["enrolment"]["mode"];

const now = Date.parse("2026-11-26T12:30:00.000Z");
const status = (report: Partial<NodeReport>, mode: Mode = "attended", wanted: string | null = "v1") => {
  const view = { namespace: "ns", enrolment: { mode, timeoutMinutes: 60 }, ...(wanted !== null && { wanted }) };
  return nodeStatus.parse(statusOf({ name: "w1", hold: false, ...report }, view, now));
};

/** Its line in the table, by column. */
function row(report: Partial<NodeReport>, mode?: Mode): Record<string, string> {
  const [head = "", line = ""] = formatTable([status(report, mode)]).split("\n");
  const starts = [...head.matchAll(/\S+( \S+)*/g)].map(({ 0: title, index }) => ({ title, index }));
  return Object.fromEntries(
    starts.map(({ title, index }, at) => [title, line.slice(index, starts[at + 1]?.index).trim()]),
  );
}

const good = { node: node({ labels: { [versionLabel]: "v1" } }), nmc: nmc(), machine };
const cards = [0, 1].map(() => ({ pci: "0000:3b:00.0", part: "X2522", serial: "****1152", firmware: "8.4.0.1003" }));

test("a node as it should be", () => {
  assert.deepEqual(status(good), {
    ...{ node: "w1", fit: true, exists: true, held: false, ready: true, cordoned: false, cordonedBy: null },
    secureBoot: "enabled",
    key: { state: "enrolled", trusted: true },
    version: { wanted: "v1", found: "v1" },
    kernel: "5.14",
    kmm: "loaded",
    driver: { versions: ["9.0"], problems: [] },
    cards,
    ...{ phase: null, todo: null, unreachable: null },
  });
  assert.deepEqual(row(good), {
    ...{ NODE: "w1", READY: "yes", SERVICE: "in service", "SECURE BOOT": "enabled", KEY: "trusted (enrolled)" },
    ...{ VERSION: "v1", KMM: "loaded", DRIVER: "sfc 9.0", CARD: "X2522 ****1152 (8.4.0.1003)", PHASE: "-" },
  });
});

const keys = 'any key, "Enroll MOK", "Continue", "Yes", the password (`npm run mok-password`), "Reboot"';

test("a node that waits in MokManager is a task for a person, with its console and the time left", () => {
  const since = "2026-11-26T12:10:00.000Z";
  const waiting = node({
    annotations: { "onload-kmm.io/roll": JSON.stringify({ phase: "reboot", stack: "prod", bootId: "boot-2", since }) },
  });
  const unreachable = "no SSH connection";
  const found = status({ node: waiting, unreachable, console: "ipmitool sol activate" });
  assert.equal(found.todo, `MokManager waits on w1's console (ipmitool sol activate): ${keys}; 40 min left`);
  assert.deepEqual([found.phase, found.fit], [{ name: "reboot", since }, false]);
  assert.ok(formatTable([found]).endsWith(`\n\nTO DO w1: ${found.todo}`));
  assert.equal(status({ node: waiting, unreachable }, "console").todo, null);
  assert.equal(status({ node: waiting, machine }).todo, null);
});

test("mode operator: a pending key is a task for a person, without a limit", () => {
  const { todo } = status({ node: node(), machine: { ...machine, key: "pending" } }, "operator");
  assert.equal(todo, `reboot it in a window of your own; then MokManager waits on w1's console: ${keys}`);
});

test("all nodes in one sentence, and whether each is as it should be", () => {
  const held = status({ name: "w2", node: node(), machine, hold: true });
  const gone = status({ name: "w3" });
  assert.deepEqual(
    [status(good), held, gone].map(({ fit }) => fit),
    [true, true, false],
  );
  assert.equal(summary([status(good)]), "1 of 1 nodes on v1");
  assert.equal(summary([status(good), held, gone]), "1 of 3 nodes on v1, 1 held; look at w3");
});

test("a node on another version than the Module's isn't as it should be, however well it runs, unless it is held", () => {
  const behind = status(good, "attended", "v2");
  assert.deepEqual([behind.fit, behind.version], [false, { wanted: "v2", found: "v1" }]);
  assert.equal(summary([behind]), "0 of 1 nodes on v2; look at w1");
  assert.match(formatTable([behind]), /  v1 \(wanted v2\)  /);
  const held = status({ ...good, hold: true }, "attended", "v2");
  assert.equal(held.fit, true);
  assert.doesNotMatch(formatTable([held]), /wanted/);
});

test("before the first `up` there is no version to be on", () => {
  const found = status({ node: node(), machine }, "attended", null);
  assert.deepEqual([found.fit, found.version], [false, { wanted: null, found: null }]);
  assert.equal(summary([found]), "no version in the cluster yet; look at w1");
});

test("those that aren't as they should be stand first, each group in the list's order", () => {
  const names = (nodes: NodeStatus[]) => formatTable(nodes).split("\n").slice(1);
  const [first = "", second = "", third = "", fourth = ""] = names([
    status({ ...good, name: "w1" }),
    status({ name: "w2" }),
    status({ ...good, name: "w3" }),
    status({ name: "w4" }),
  ]);
  assert.deepEqual(
    [first, second, third, fourth].map((line) => line.slice(0, 2)),
    ["w2", "w4", "w1", "w3"],
  );
});

test("a node that is gone has one word for all", () => {
  const { NODE, READY, ...rest } = row({});
  assert.deepEqual([NODE, READY], ["w1", "gone"]);
  assert.deepEqual(new Set(Object.values(rest)), new Set(["-"]));
  const { exists, ready, cards: none, version } = status({});
  assert.deepEqual([exists, ready, none, version], [false, null, [], { wanted: "v1", found: null }]);
});

test("a machine that doesn't answer is unknown, with the reason where its driver would stand", () => {
  const unreachable = "127.0.0.1:22: no SSH connection";
  const { READY, KEY, CARD, DRIVER, ...rest } = row({ node: node(), unreachable });
  assert.deepEqual(
    [READY, KEY, rest["SECURE BOOT"], CARD, DRIVER],
    ["yes", "unknown", "unknown", "unknown", unreachable],
  );
  const found = status({ node: node(), unreachable });
  assert.deepEqual(
    [found.secureBoot, found.key, found.driver, found.unreachable, found.fit],
    [null, { state: null, trusted: null }, null, unreachable, false],
  );
});

test("who cordoned a node is told", () => {
  const cordoned = { unschedulable: true };
  assert.equal(row({ node: node({}, cordoned) })["SERVICE"], "cordoned by somebody else");
  const ours = node({ annotations: { "onload-kmm.io/cordoned-by": "prod" } }, cordoned);
  assert.equal(row({ node: ours })["SERVICE"], "cordoned by prod");
  const found = status({ node: ours });
  assert.deepEqual([found.cordoned, found.cordonedBy, found.fit], [true, "prod", false]);
});

test("where a roll-out stands, or that a node is held", () => {
  const roll = JSON.stringify({ phase: "reboot", stack: "prod", bootId: "b", since: "2026-01-01T00:00:00Z" });
  const out = { node: node({ annotations: { "onload-kmm.io/roll": roll } }), hold: true };
  assert.equal(row(out)["PHASE"], "reboot since 2026-01-01T00:00:00Z");
  assert.equal(row({ node: node(), hold: true })["PHASE"], "held");
});

test("a key that isn't trusted is told by its state; without Secure Boot none is needed", () => {
  assert.equal(row({ node: node(), machine: { ...machine, key: "pending" } })["KEY"], "pending");
  const off = { node: node(), machine: { ...machine, secureBoot: "disabled" as const, key: null } };
  assert.equal(row(off)["KEY"], "not needed");
  assert.deepEqual(status(off).key, { state: null, trusted: true });
});

test("a driver that isn't ours shows, however green KMM looks", () => {
  const interfaces = [{ name: "ens1f0", pci: null, driver: "sfc", version: "5.14", firmware: null }];
  const found = { ...good, machine: { ...machine, ports: [pci()], interfaces } };
  const { KMM, DRIVER } = row(found);
  assert.equal(KMM, "loaded");
  assert.equal(DRIVER, "ens1f0 runs the in-tree sfc driver (version 5.14)");
  assert.equal(status(found).fit, false);
});

for (const [expected, given] of [
  ["-", undefined],
  ["loading", { spec: { modules: [module] } }],
  ["unloading", { status: { modules: [{ ...module, bootId: "boot-2" }] } }],
  ["loaded before the last boot", nmc("boot-1")],
  ["changing", nmc("boot-2", { ...config, containerImage: "registry/onload:0" })],
] as const) {
  test(`KMM's account: ${expected}`, () => {
    const found = { ...good, nmc: given };
    assert.equal(row(found)["KMM"], expected);
    assert.equal(status(found).fit, false);
  });
}

test("columns are as wide as their widest cell", () => {
  const table = formatTable([status({ node: node(), machine }), status({ name: "a-long-name" })]).split("\n");
  assert.match(table[0] ?? "", /^NODE {9}READY {2}SERVICE {5}SECURE BOOT {2}KEY/);
  assert.equal(table[1]?.indexOf("yes"), table[0]?.indexOf("READY"));
  assert.equal(table[2]?.indexOf("gone"), table[0]?.indexOf("READY"));
  assert.ok(table.every((line) => line === line.trimEnd()));
});
