import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeModulesConfig, RollNode } from "../../../core/node/nodeState.ts";
import { formatTable, isFit, statusRow, summary, type NodeReport } from "../../../core/node/statusTable.ts";
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

type Mode = Parameters<typeof statusRow>[1]["enrolment"]["mode"];

const now = Date.parse("2026-11-26T12:30:00.000Z");
const row = (report: Partial<NodeReport>, mode: Mode = "attended") =>
  statusRow({ name: "w1", hold: false, ...report }, { namespace: "ns", enrolment: { mode, timeoutMinutes: 60 } }, now);

test("a node as it should be", () => {
  assert.deepEqual(row({ node: node({ labels: { [versionLabel]: "v1" } }), nmc: nmc(), machine }), {
    node: "w1",
    ready: "yes",
    service: "in service",
    secureBoot: "enabled",
    key: "trusted (enrolled)",
    version: "v1",
    kmm: "loaded",
    driver: "sfc 9.0",
    card: "X2522 ****1152 (8.4.0.1003)",
    phase: "-",
    todo: "-",
    cards: [0, 1].map(() => ({ pci: "0000:3b:00.0", part: "X2522", serial: "****1152", firmware: "8.4.0.1003" })),
  });
});

const keys = 'any key, "Enroll MOK", "Continue", "Yes", the password (`npm run mok-password`), "Reboot"';

test("a node that waits in MokManager is a task for a person, with its console and the time left", () => {
  const since = "2026-11-26T12:10:00.000Z";
  const waiting = node({
    annotations: { "onload-kmm.io/roll": JSON.stringify({ phase: "reboot", stack: "prod", bootId: "boot-2", since }) },
  });
  const unreachable = "no SSH connection";
  const found = row({ node: waiting, unreachable, console: "ipmitool sol activate" });
  assert.equal(found.todo, `MokManager waits on w1's console (ipmitool sol activate): ${keys}; 40 min left`);
  assert.ok(formatTable([found]).endsWith(`\n\nTO DO w1: ${found.todo}`));
  assert.equal(row({ node: waiting, unreachable }, "console").todo, "-");
  assert.equal(row({ node: waiting, machine }).todo, "-");
});

test("mode operator: a pending key is a task for a person, without a limit", () => {
  const { todo } = row({ node: node(), machine: { ...machine, key: "pending" } }, "operator");
  assert.equal(todo, `reboot it in a window of your own; then MokManager waits on w1's console: ${keys}`);
});

test("the table in one sentence, and whether each node is as it should be", () => {
  const good = row({ node: node({ labels: { [versionLabel]: "v1" } }), nmc: nmc(), machine });
  const held = row({ node: node(), machine, hold: true });
  const gone = row({ name: "w3" });
  assert.deepEqual([good, held, gone].map(isFit), [true, true, false]);
  assert.equal(summary([good]), "1 of 1 nodes in service as they should be on v1");
  assert.equal(summary([good, held, gone]), "2 of 3 nodes in service as they should be on v1; 1 held; look at w3");
});

test("a node that is gone has one word for all", () => {
  const { ready, cards, ...rest } = row({});
  assert.deepEqual(cards, []);
  assert.equal(ready, "gone");
  assert.deepEqual(new Set(Object.values(rest)), new Set(["w1", "-"]));
});

test("a machine that doesn't answer is unknown, with the reason where its driver would stand", () => {
  const { key, secureBoot, driver, ready } = row({ node: node(), unreachable: "127.0.0.1:22: no SSH connection" });
  assert.deepEqual([ready, key, secureBoot, driver], ["yes", "unknown", "unknown", "127.0.0.1:22: no SSH connection"]);
});

test("who cordoned a node is told", () => {
  const cordoned = { unschedulable: true };
  assert.equal(row({ node: node({}, cordoned) }).service, "cordoned by somebody else");
  const ours = { annotations: { "onload-kmm.io/cordoned-by": "prod" } };
  assert.equal(row({ node: node(ours, cordoned) }).service, "cordoned by prod");
});

test("where a roll-out stands, or that a node is held", () => {
  const roll = JSON.stringify({ phase: "reboot", stack: "prod", bootId: "b", since: "2026-01-01T00:00:00Z" });
  const { phase } = row({ node: node({ annotations: { "onload-kmm.io/roll": roll } }), hold: true });
  assert.equal(phase, "reboot since 2026-01-01T00:00:00Z");
  assert.equal(row({ node: node(), hold: true }).phase, "held");
});

test("a key that isn't trusted is told by its state", () => {
  assert.equal(row({ node: node(), machine: { ...machine, key: "pending" } }).key, "pending");
  assert.equal(row({ node: node(), machine: { ...machine, secureBoot: "disabled", key: null } }).key, "trusted (-)");
});

test("a driver that isn't ours shows, however green KMM looks", () => {
  const interfaces = [{ name: "ens1f0", pci: null, driver: "sfc", version: "5.14", firmware: null }];
  const { kmm, driver } = row({ node: node(), nmc: nmc(), machine: { ...machine, ports: [pci()], interfaces } });
  assert.equal(kmm, "loaded");
  assert.equal(driver, "ens1f0 runs the in-tree sfc driver (version 5.14)");
});

for (const [expected, given] of [
  ["-", undefined],
  ["loading", { spec: { modules: [module] } }],
  ["unloading", { status: { modules: [{ ...module, bootId: "boot-2" }] } }],
  ["loaded before the last boot", nmc("boot-1")],
  ["changing", nmc("boot-2", { ...config, containerImage: "registry/onload:0" })],
] as const) {
  test(`KMM's account: ${expected}`, () => assert.equal(row({ node: node(), nmc: given }).kmm, expected));
}

test("columns are as wide as their widest cell", () => {
  const table = formatTable([row({ node: node(), machine }), { ...row({}), node: "a-long-name" }]).split("\n");
  assert.match(table[0] ?? "", /^NODE {9}READY {2}SERVICE {5}SECURE BOOT {2}KEY/);
  assert.equal(table[1]?.indexOf("yes"), table[0]?.indexOf("READY"));
  assert.equal(table[2]?.indexOf("gone"), table[0]?.indexOf("READY"));
  assert.ok(table.every((line) => line === line.trimEnd()));
});
