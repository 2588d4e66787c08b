import assert from "node:assert/strict";
import { test } from "node:test";
import { planSummary, type PlanView } from "../../../core/node/planSummary.ts";
import type { NodeReality } from "../../../core/node/reality.ts";
import { proven, target } from "./realities.ts";

const next = { ...target, version: "v2" };

type Machine = Partial<Exclude<NonNullable<NodeReality["machine"]>, { unreachable: string }>>;

function listed(name: string, machine: Machine = {}, hold = false): PlanView["nodes"][number] {
  const reality = proven(name, 1);
  const found = { driver: [], secureBoot: "enabled", trusted: true, ...machine };
  return { hold, reality: { ...reality, machine: hold ? undefined : found } };
}

const plan = (changes: Partial<PlanView>): string[] =>
  planSummary({
    ...{
      stack: "prod",
      nodes: [],
      target,
      key: "kept",
      mode: "attended",
      maxParallel: 1,
      leaving: [],
      updatingPools: [],
    },
    ...changes,
  });

test("nodes that are what they shall be: nothing goes out of service", () => {
  assert.deepEqual(plan({ nodes: [listed("a"), listed("b")] }), [
    "No node goes out of service.",
    "2 nodes are unchanged.",
  ]);
});

test("another version: drained, without a reboot where the key is trusted; a held node stays", () => {
  const nodes = [listed("a"), listed("b"), listed("c", {}, true)];
  assert.deepEqual(plan({ nodes, target: next }), [
    "2 nodes are drained, the canary first, then at most 1 at a time: a, b.",
    "1 node is on hold: c.",
    "About 10 min, if a node takes 5 min, and the builds before that.",
  ]);
});

const reboots = {
  attended: "1 node is rebooted, where a person answers MokManager on its console: b.",
  console: "1 node is rebooted, where the script on its serial console answers MokManager: b.",
  redfish: "1 node is rebooted, where its firmware takes the key into db: b.",
} as const;
for (const mode of ["attended", "console", "redfish"] as const) {
  test(`${mode}: a node without the key reboots, and the estimate knows it`, () => {
    const nodes = [listed("a"), listed("b", { trusted: false, driver: ["sfc isn't live"] })];
    assert.deepEqual(plan({ nodes, mode }), [
      "1 node is drained: b.",
      reboots[mode],
      "1 node is unchanged.",
      "About 15 min, if a node takes 15 min, and the builds before that.",
    ]);
  });
}

test("operator: a node without the key stays in service until a reboot of the operator's", () => {
  const nodes = [listed("a", { trusted: false, driver: ["sfc isn't live"] })];
  assert.deepEqual(plan({ nodes, mode: "operator" }), [
    "No node goes out of service.",
    "1 node is waiting for a reboot of yours that enrols the key: a.",
  ]);
});

test("a node that couldn't be asked may reboot", () => {
  const reality = { ...proven("a", 1), machine: { unreachable: "no route to host" } };
  assert.deepEqual(plan({ nodes: [{ hold: false, reality }], target: next }), [
    "1 node is drained: a.",
    "Of a it isn't known whether the key needs a reboot.",
    "About 15 min, if a node takes 15 min, and the builds before that.",
  ]);
});

test("the first key: nodes with Secure Boot on reboot, those with it off don't", () => {
  const nodes = [listed("a", {}), listed("b", { secureBoot: "disabled" })];
  const lines = plan({ nodes, target: undefined, key: "first" });
  assert.match(lines[0] ?? "", /^2 nodes are drained/);
  assert.match(lines[1] ?? "", /^1 node is rebooted, .*: a\.$/);
  assert.ok(!lines.some((line) => line.startsWith("NEW SIGNING KEY")));
});

test("what is dangerous comes last, in capitals", () => {
  const lines = plan({
    ...{ nodes: [listed("a"), listed("b")], target: undefined, key: "another", maxParallel: 4 },
    ...{ leaving: ["z"], updatingPools: ["worker"] },
  });
  assert.deepEqual(lines.slice(-3), [
    "NEW SIGNING KEY: every node with Secure Boot on must enrol it in MokManager; there is no way back to the old key.",
    "LEAVING THE STACK: z: drained, and the modules unloaded.",
    "POOLS ARE UPDATING: worker: `up` would build, and stop before their nodes.",
  ]);
});

test("a new key goes into db by itself, and into no MokManager where nobody enrols", () => {
  for (const mode of ["redfish", "off"] as const) {
    const lines = plan({ nodes: [listed("a")], target: undefined, key: "another", mode });
    assert.equal(
      lines.at(-1),
      "NEW SIGNING KEY: every node with Secure Boot on must enrol it; there is no way back to the old key.",
    );
  }
  assert.deepEqual(plan({ target: undefined, key: "another" }), ["No node goes out of service."]);
});

test("pools that are updating threaten nobody when no node goes out", () => {
  assert.deepEqual(plan({ nodes: [listed("a")], updatingPools: ["worker"] }).length, 2);
});

test("forty nodes: numbers, the first names, and hours", () => {
  const nodes = Array.from({ length: 40 }, (_, index) => listed(`n${index}`, { trusted: false }));
  const lines = plan({ nodes, target: next, maxParallel: 4 });
  assert.equal(
    lines[0],
    "40 nodes are drained, the canary first, then at most 4 at a time: n0, n1, n2, n3, n4, n5, n6, n7 and 32 more.",
  );
  assert.equal(lines.at(-1), "About 2.8 h, if a node takes 15 min, and the builds before that.");
});
