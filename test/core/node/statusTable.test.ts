import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { LiveModule } from "../../../core/cluster/ownObjects.ts";
import type { NodeModulesConfig, RollNode } from "../../../core/node/nodeState.ts";
import { statusOf, type NodeReport, type NodeStatus, type Wanted } from "../../../core/node/nodeStatus.ts";
import { formatReport, reportOf, statusReport } from "../../../core/node/statusTable.ts";
import { machine as healthy, pci } from "./machines.ts";

const image = (release: string) => `registry/onload:${release}-0123456789ab-5.14`;
const config = { containerImage: image("9.1"), kernelVersion: "5.14" };
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
/** @param both image that KMM both wants and has loaded; absent: each its own */
const nmc = (bootId = "boot-2", loaded = config, both?: string): NodeModulesConfig => ({
  spec: { modules: [both === undefined ? module : { ...module, config: { ...config, containerImage: both } }] },
  status: {
    modules: [{ ...module, config: { ...loaded, ...(both !== undefined && { containerImage: both }) }, bootId }],
  },
});

const wantedModule: LiveModule = {
  spec: {
    moduleLoader: {
      container: { version: "v1", kernelMappings: [{ literal: "5.14", containerImage: image("9.1") }] },
    },
  },
};

type Mode = Wanted["enrolment"]["mode"];

const now = Date.parse("2026-11-26T12:30:00.000Z");
const status = (report: Partial<NodeReport>, mode: Mode = "attended", wanted: Partial<Wanted> = {}): NodeStatus => {
  const enrolment = { mode, timeoutMinutes: 60 };
  return statusOf(
    { name: "w1", hold: false, ...report },
    { namespace: "ns", enrolment, module: wantedModule, ...wanted },
    now,
  );
};
const text = (...nodes: NodeStatus[]): string => formatReport(reportOf(nodes, "AB:CD"));
/** Of the table for one node: its cells by their titles. */
function cells(node: NodeStatus): Record<string, string> {
  const [titles = "", row = ""] = text(node).split("\n");
  const starts = [...titles.matchAll(/\S+(?: \S+)*/g)].map(({ index, 0: title }) => ({ index, title }));
  return Object.fromEntries(
    starts.map(({ index, title }, column) => [title, row.slice(index, starts[column + 1]?.index).trim()]),
  );
}

const labelled = (version = "v1") => node({ labels: { [versionLabel]: version } });
const good = (): NodeStatus => status({ node: labelled(), nmc: nmc(), machine });
const rolling = (phase: string, since = "2026-11-26T12:10:00.000Z") =>
  node({ annotations: { "onload-kmm.io/roll": JSON.stringify({ phase, stack: "prod", bootId: "boot-2", since }) } });

test("a node as it should be", () => {
  assert.deepEqual(good(), {
    node: "w1",
    asWanted: true,
    deviates: [],
    held: false,
    exists: true,
    ready: true,
    service: { cordoned: false, cordonedBy: null },
    answers: true,
    unreachable: null,
    secureBoot: "enabled",
    key: { needed: true, trusted: true, found: "enrolled" },
    kernel: "5.14",
    version: { wanted: "v1", found: "v1" },
    image: { wanted: image("9.1"), found: image("9.1") },
    release: { wanted: "9.1", found: "9.1" },
    kmm: "loaded",
    driver: { versions: ["9.0"], problems: [] },
    phase: null,
    todo: null,
    cards: [0, 1].map(() => ({ pci: "0000:3b:00.0", part: "X2522", serial: "****1152", firmware: "8.4.0.1003" })),
  });
  assert.deepEqual(cells(good()), {
    NODE: "w1",
    READY: "yes",
    SERVICE: "in service",
    "SECURE BOOT": "enabled",
    KEY: "trusted (enrolled)",
    VERSION: "v1",
    KMM: "loaded",
    DRIVER: "sfc 9.0",
    CARD: "X2522 ****1152 (8.4.0.1003)",
    PHASE: "-",
  });
});

const keys = 'any key, "Enroll MOK", "Continue", "Yes", the password (`npm run mok-password`), "Reboot"';

test("a node that waits in MokManager is a task for a person, with its console and the time left", () => {
  const waiting = rolling("reboot");
  const unreachable = "no SSH connection";
  const found = status({ node: waiting, unreachable, console: "ipmitool sol activate" });
  assert.equal(found.todo, `MokManager waits on w1's console (ipmitool sol activate): ${keys}; 40 min left`);
  assert.ok(found.deviates.includes("todo"));
  assert.ok(text(found).includes(`\n\nTO DO w1: ${found.todo}\n\n`));
  assert.equal(status({ node: waiting, unreachable }, "console").todo, null);
  assert.equal(status({ node: waiting, machine }).todo, null);
});

test("mode operator: a pending key is a task for a person, without a limit", () => {
  const { todo } = status({ node: node(), machine: { ...machine, key: "pending" } }, "operator");
  assert.equal(todo, `reboot it in a window of your own; then MokManager waits on w1's console: ${keys}`);
});

test("what deviates comes first, marked, with what was wanted and found; the sentence comes last", () => {
  const held = status({ name: "w2", node: node(), machine, hold: true });
  const old = status({
    name: "w3",
    node: labelled("v0"),
    nmc: nmc("boot-2", { ...config, containerImage: image("9.0") }),
    machine,
  });
  const gone = status({ name: "w4" });
  const { nodes, ...report } = reportOf([good(), held, old, gone], "AB:CD");
  const summary = "1 of 4 on OpenOnload 9.1, 1 held, look at w3, w4";
  assert.deepEqual(report, { schema: 1, asWanted: false, summary, certificateFingerprint: "AB:CD" });
  assert.deepEqual(
    nodes.map(({ node, asWanted, deviates }) => [node, asWanted, deviates]),
    [
      ["w3", false, ["version", "image", "kmm"]],
      ["w4", false, ["exists"]],
      ["w1", true, []],
      ["w2", true, []],
    ],
  );
  const lines = formatReport({ ...report, nodes }).split("\n");
  assert.deepEqual(
    lines.slice(1, 5).map((line) => line.slice(0, 4)),
    ["! w3", "! w4", "  w1", "  w2"],
  );
  assert.deepEqual(lines.slice(5), [
    "",
    "! w3: version v0, wanted v1; KMM: changing",
    "! w4: the cluster has no such node",
    "",
    summary,
  ]);
});

test("where all is well the sentence says so, and nothing is marked", () => {
  const report = reportOf([good()], "AB:CD");
  assert.equal(report.asWanted, true);
  assert.equal(report.summary, "1 of 1 on OpenOnload 9.1");
  assert.doesNotMatch(formatReport(report), /!/);
});

test("before the first `up` nothing is wanted, and nothing is as it should be", () => {
  const found = status({ node: node(), machine: { ...machine, key: null, modules: {} } }, "attended", {
    module: undefined,
  });
  assert.deepEqual(found.version, { wanted: null, found: null });
  assert.deepEqual(found.deviates, ["key", "version", "image", "kmm", "driver"]);
  assert.equal(reportOf([found], null).summary, "0 of 1 on OpenOnload, look at w1");
});

const deviating: readonly [member: NodeStatus["deviates"][number], report: Partial<NodeReport>, words: RegExp][] = [
  ["ready", { node: { ...labelled(), status: { ...labelled().status, conditions: [] } } }, /not Ready/],
  ["service", { node: { ...labelled(), spec: { unschedulable: true } } }, /cordoned by somebody else/],
  [
    "answers",
    { machine: undefined, unreachable: "127.0.0.1:22: no SSH connection" },
    /127\.0\.0\.1:22: no SSH connection/,
  ],
  ["key", { machine: { ...machine, key: "not-enrolled" } }, /key not-enrolled, not trusted/],
  ["version", { node: labelled("v0") }, /version v0, wanted v1/],
  ["image", { nmc: nmc("boot-2", config, image("9.0")) }, new RegExp(`image ${image("9.0")}, wanted ${image("9.1")}`)],
  ["kmm", { nmc: nmc("boot-1") }, /KMM: loaded before the last boot/],
  ["driver", { machine: { ...machine, modules: {} } }, /onload is not live, sfc is not live/],
  [
    "phase",
    {
      node: {
        ...labelled(),
        metadata: { ...labelled().metadata, ...rolling("load").metadata, labels: labelled().metadata.labels ?? {} },
      },
    },
    /an `up` is at, or stopped at, load since 2026/,
  ],
];
for (const [member, report, words] of deviating) {
  test(`a node deviates by its member \`${member}\` alone, and is told in words`, () => {
    const found = status({ node: labelled(), nmc: nmc(), machine, ...report });
    assert.deepEqual(found.deviates, [member]);
    assert.equal(found.asWanted, false);
    assert.match(text(found), new RegExp(`^! w1: .*${words.source}`, "m"));
  });
}

test("of a node that is gone nothing is known, and its cells say so", () => {
  const gone = status({});
  assert.deepEqual(gone.deviates, ["exists"]);
  assert.equal(gone.ready, null);
  const { NODE, READY, ...rest } = cells(gone);
  assert.deepEqual([NODE, READY], ["w1", "gone"]);
  assert.deepEqual(new Set(Object.values(rest)), new Set(["-"]));
});

test("a machine that doesn't answer is unknown, with the reason where its driver would stand", () => {
  const found = status({ node: node(), unreachable: "127.0.0.1:22: no SSH connection" });
  assert.deepEqual([found.answers, found.secureBoot, found.key.found], [false, null, null]);
  const { READY, KEY, "SECURE BOOT": secureBoot, DRIVER } = cells(found);
  assert.deepEqual([READY, KEY, secureBoot, DRIVER], ["yes", "unknown", "unknown", "127.0.0.1:22: no SSH connection"]);
});

test("who cordoned a node is told", () => {
  const cordoned = { unschedulable: true };
  assert.equal(cells(status({ node: node({}, cordoned) }))["SERVICE"], "cordoned by somebody else");
  const ours = { annotations: { "onload-kmm.io/cordoned-by": "prod" } };
  const found = status({ node: node(ours, cordoned) });
  assert.deepEqual(found.service, { cordoned: true, cordonedBy: "prod" });
  assert.equal(cells(found)["SERVICE"], "cordoned by prod");
});

test("where a roll-out stands, or that a node is held", () => {
  const found = status({ node: rolling("reboot", "2026-01-01T00:00:00Z"), machine, hold: true });
  assert.deepEqual(found.phase, { name: "reboot", since: "2026-01-01T00:00:00Z" });
  assert.equal(cells(found)["PHASE"], "reboot since 2026-01-01T00:00:00Z");
  assert.deepEqual(found.deviates, ["phase"]);
  assert.equal(cells(status({ node: node(), hold: true }))["PHASE"], "held");
});

test("a held node may run what it likes: nothing is wanted of it", () => {
  const found = status({ node: labelled("v0"), unreachable: "no SSH connection", hold: true });
  assert.deepEqual([found.asWanted, found.version, found.image.wanted], [true, { wanted: null, found: "v0" }, null]);
});

test("a key that isn't trusted is told by its state, and without Secure Boot none is needed", () => {
  assert.equal(cells(status({ node: node(), machine: { ...machine, key: "pending" } }))["KEY"], "pending");
  const off = status({ node: labelled(), nmc: nmc(), machine: { ...machine, secureBoot: "disabled", key: null } });
  assert.deepEqual(off.key, { needed: false, trusted: null, found: null });
  assert.equal(cells(off)["KEY"], "not needed");
  assert.equal(off.asWanted, true);
});

test("a driver that isn't ours shows, however green KMM looks", () => {
  const interfaces = [{ name: "ens1f0", pci: null, driver: "sfc", version: "5.14", firmware: null }];
  const found = status({ node: node(), nmc: nmc(), machine: { ...machine, ports: [pci()], interfaces } });
  assert.equal(found.kmm, "loaded");
  assert.equal(cells(found)["DRIVER"], "ens1f0 runs the in-tree sfc driver (version 5.14)");
});

for (const [expected, given] of [
  ["none", undefined],
  ["loading", { spec: { modules: [module] } }],
  ["unloading", { status: { modules: [{ ...module, bootId: "boot-2" }] } }],
  ["loaded before the last boot", nmc("boot-1")],
  ["changing", nmc("boot-2", { ...config, containerImage: "registry/onload:0" })],
] as const) {
  test(`KMM's account: ${expected}`, () => {
    assert.equal(status({ node: node(), nmc: given }).kmm, expected);
  });
}

test("columns are as wide as their widest cell", () => {
  const table = text(status({ node: node(), machine }), status({ name: "a-long-name" })).split("\n");
  assert.match(table[0] ?? "", /^ {2}NODE {9}READY {2}SERVICE {5}SECURE BOOT {2}KEY/);
  assert.equal(table[1]?.indexOf("yes"), table[0]?.indexOf("READY"));
  assert.equal(table[2]?.indexOf("gone"), table[0]?.indexOf("READY"));
  assert.ok(table.every((line) => line === line.trimEnd()));
});

test("the JSON in docs/status.md has the very members that are printed", async () => {
  const document = await readFile(new URL("../../../docs/status.md", import.meta.url), "utf8");
  const example: unknown = JSON.parse(/```json\n([^]*?)```/.exec(document)?.[1] ?? "");
  assert.deepEqual(statusReport.parse(example), example);
});
