import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleKernels } from "../../../core/build/moduleKernels.ts";
import type { RollNode } from "../../../core/node/nodeState.ts";

const [one, two, three] = ["5.14.0-1.el9.x86_64", "5.14.0-2.el9.x86_64", "5.14.0-2.el9.x86_64+rt"] as const;

const node = (name: string, kernel: string, stack?: string): RollNode => ({
  metadata: { name, uid: name, labels: stack === undefined ? {} : { "onload-kmm.io/stack": stack } },
  status: { nodeInfo: { machineID: "m", systemUUID: "s", kernelVersion: kernel, bootID: "b" } },
});
const module = (...literals: string[]) => ({
  spec: { moduleLoader: { container: { kernelMappings: literals.map((literal) => ({ literal })) } } },
});
const stack = { stack: "dev", listed: ["w1", "w2"] };

test("listed nodes' kernels, once each, as KMM takes them", () => {
  const nodes = [node("w1", two), node("w2", `${one}+`), node("w3", three), node("w4", "6.12", "prod")];
  assert.deepEqual(moduleKernels({ ...stack, nodes }), [one, two]);
});

test("a node that leaves keeps its kernel's mapping until it has left: without one KMM would unload it undrained", () => {
  const nodes = [node("w1", one), node("w2", one), node("w3", three, "dev")];
  assert.deepEqual(moduleKernels({ ...stack, nodes, module: module(one, three) }), [one, three]);
  const left = nodes.slice(0, 2);
  assert.deepEqual(moduleKernels({ ...stack, nodes: left, module: module(one, three) }), [one, three], "nothing to do");
});

test("a node that leaves, and has booted a kernel without a mapping, gets none: KMM would load there", () => {
  const nodes = [node("w1", one), node("w3", three, "dev")];
  assert.deepEqual(moduleKernels({ ...stack, nodes, module: module(one) }), [one]);
});

test("a kernel that nobody runs any more goes with the next change", () => {
  const nodes = [node("w1", two), node("w2", one)];
  assert.deepEqual(moduleKernels({ ...stack, nodes, module: module(one, three) }), [one, two]);
});

test("a Module with a pattern for all kernels, as older versions made it, gets a mapping for each", () => {
  const older = { spec: { moduleLoader: { container: { kernelMappings: [{}] } } } };
  assert.deepEqual(moduleKernels({ ...stack, nodes: [node("w1", one)], module: older }), [one]);
  const leaving = [node("w1", one), node("w3", three, "dev")];
  assert.deepEqual(moduleKernels({ ...stack, nodes: leaving, module: older }), [one, three]);
});
