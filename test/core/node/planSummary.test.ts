import assert from "node:assert/strict";
import { test } from "node:test";
import { planSummary, type PlanView } from "../../../core/node/planSummary.ts";
import type { NodeReality } from "../../../core/node/reality.ts";
import { proven, target as anyTarget } from "./realities.ts";

const kernel = "5.14.0-1.el9.x86_64";
const target = { ...anyTarget, image: "registry/onload:9.0.2.140-0123456789ab-${KERNEL_FULL_VERSION}" };
const next = { ...target, version: "v2", image: "registry/onload:9.1.0-ba9876543210-${KERNEL_FULL_VERSION}" };

type Machine = Partial<Exclude<NonNullable<NodeReality["machine"]>, { unreachable: string }>>;

function listed(name: string, machine: Machine = {}, hold = false): PlanView["nodes"][number] {
  const reality = proven(name, 1, target);
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
      namespace: target.namespace,
      release: "9.1.0",
      nextKernels: [],
      signed: [],
      measured: {},
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
    "OpenOnload: 9.0.2.140 → 9.1.0 on 2 nodes.",
    "1 node is on hold: c.",
    "1 image is built: for 5.14.0-1.el9.x86_64 (3 nodes).",
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
    assert.deepEqual(plan({ nodes, mode, release: "9.0.2.140" }), [
      "1 node is drained: b.",
      "OpenOnload: 9.0.2.140 again on 1 node.",
      reboots[mode],
      "1 node is unchanged.",
      "About 15 min, if a node takes 15 min.",
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
  const reality = { ...proven("a", 1, target), machine: { unreachable: "no route to host" } };
  assert.deepEqual(plan({ nodes: [{ hold: false, reality }], target: next }), [
    "1 node is drained: a.",
    "OpenOnload: 9.0.2.140 → 9.1.0 on 1 node.",
    "Of a it isn't known whether the key needs a reboot.",
    "1 image is built: for 5.14.0-1.el9.x86_64 (1 node).",
    "About 15 min, if a node takes 15 min, and the builds before that.",
  ]);
});

test("the first key: nodes with Secure Boot on reboot, those with it off don't", () => {
  const nodes = [listed("a", {}), listed("b", { secureBoot: "disabled" })];
  const lines = plan({ nodes, target: undefined, key: "first" });
  assert.match(lines[0] ?? "", /^2 nodes are drained/);
  assert.match(lines[2] ?? "", /^1 node is rebooted, .*: a\.$/);
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
  assert.equal(lines.at(-1), "About 2 h 45 min, if a node takes 15 min, and the builds before that.");
});

test("what was measured stands over what is assumed, for its own kind of turn only", () => {
  const nodes = [listed("a"), listed("b")];
  const measured = { reload: { each: 41_000, turns: 12 } };
  assert.equal(
    plan({ nodes, target: next, measured }).at(-1),
    "About 1 min 22 s, at 41 s a node, the median of 12 nodes before, and the builds before that.",
  );
  assert.match(plan({ nodes: [listed("c", { trusted: false })], target: next, measured }).at(-1) ?? "", /15 min, if/);
});

test("images are built for each kernel that has none yet: held nodes' and kernels to come too", () => {
  const built = "9.1.0-ba9876543210-5.14.0-2.el9.x86_64";
  const lines = plan({
    ...{ nodes: [listed("a"), listed("b", {}, true)], target: next, signed: [built] },
    nextKernels: ["5.14.0-2.el9.x86_64", "5.14.0-3.el9.x86_64+rt"],
  });
  assert.ok(
    lines.includes("2 images are built: for 5.14.0-1.el9.x86_64 (2 nodes), 5.14.0-3.el9.x86_64+rt (no node yet)."),
    lines.join("\n"),
  );
  const tag = `9.1.0-ba9876543210-${kernel}`;
  assert.match(plan({ nodes: [listed("a")], target: next, signed: [tag] }).at(-1) ?? "", /a node takes 5 min\.$/);
});

test("nodes come from different releases, or none", () => {
  const { nmc, ...bare } = proven("b", 1, target);
  assert.ok(nmc);
  const nodes = [listed("a"), { hold: false, reality: bare }];
  assert.equal(plan({ nodes, target: next })[1], "OpenOnload: 9.0.2.140 → 9.1.0 on 1 node, none → 9.1.0 on 1 node.");
});
