import assert from "node:assert/strict";
import { test } from "node:test";
import { newMachine, type Machine } from "../../nodes/machine.ts";
import { controlPlaneServes } from "../../nodes/quorum.ts";
import type { NodeSpec } from "../../nodes/spec.ts";

const kernel = "5.14.0-570.49.1.el9_6.x86_64";
const machine = (role: NodeSpec["role"], state: Partial<Machine> = {}): Machine => ({
  ...newMachine({ name: role, kernel, osImage: "RHCOS 9.6", role, solarflare: true, secureBoot: false }),
  power: "running",
  ...state,
});
const down = { power: "mok-manager" } as const;
const fresh = (): Partial<Machine> => ({ bootedAt: new Date().toISOString() });
const old = { bootedAt: "2026-11-26T08:00:00Z" };

const rows: [what: string, machines: Machine[], serves: boolean][] = [
  ["a single node is up", [machine("both")], true],
  ["a single node is in MokManager", [machine("both", down)], false],
  ["a single node has just booted", [machine("both", fresh())], false],
  ["a single node booted a while ago", [machine("both", old)], true],
  ["one of three is down", [machine("both"), machine("both", down), machine("both")], true],
  ["two of three are down", [machine("both"), machine("both", down), machine("both", fresh())], false],
  ["a worker is down", [machine("control-plane"), machine("worker", down)], true],
  ["the control plane is down, and a worker isn't", [machine("control-plane", down), machine("worker")], false],
  ["the control plane isn't played here", [machine("worker", down)], true],
];
for (const [what, machines, serves] of rows) {
  test(`the API server is ${serves ? "reached" : "away"} when ${what}`, () => {
    assert.equal(controlPlaneServes(machines), serves);
  });
}
