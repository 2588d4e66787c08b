import assert from "node:assert/strict";
import { test } from "node:test";
import { tools, type Program } from "../../toolchain/tools.ts";
import { compareVersions, inRange, parseVersion, type Version } from "../../toolchain/version.ts";

test("a version is found in what each program prints", () => {
  const outputs: [string, Version | undefined][] = [
    ["v3.259.0", [3, 259, 0]],
    ["Kubernetes v1.34.4", [1, 34, 4]],
    ["Client Version: v1.33.10\nKustomize Version: v5.7.1", [1, 33, 10]],
    ["etcd Version: 3.6.4\nGit SHA: Not provided\nGo Version: go1.26.8", [3, 6, 4]],
    ["kwok version v0.8.0 go1.26.8 (linux/amd64)", [0, 8, 0]],
    ["v3.0.0-dev", [3, 0, 0]],
    ["no version here", undefined],
  ];
  for (const [text, expected] of outputs) assert.deepEqual(parseVersion(text), expected, text);
});

test("versions are compared by number and not by text", () => {
  assert.ok(compareVersions([1, 10, 0], [1, 9, 9]) > 0);
  assert.ok(compareVersions([2, 0, 0], [10, 0, 0]) < 0);
  assert.equal(compareVersions([1, 2, 3], [1, 2, 3]), 0);
});

test("a range has its lower end and not its upper one", () => {
  assert.ok(inRange([3, 5, 0], [3, 5, 0], [4, 0, 0]));
  assert.ok(!inRange([4, 0, 0], [3, 5, 0], [4, 0, 0]));
});

/** Whether the tool of this name takes these installed programs. */
function fits(name: string, versions: Partial<Record<Program, Version>>): boolean | undefined {
  const installed = new Map(Object.entries(versions)) as Map<Program, Version>;
  return tools.find((tool) => tool.name === name)?.fits(installed);
}

test("installed programs are used when they are new enough", () => {
  assert.equal(fits("pulumi", { pulumi: [3, 230, 0] }), true);
  assert.equal(fits("pulumi", { pulumi: [3, 229, 9] }), false);
  assert.equal(fits("pulumi", { pulumi: [4, 0, 0] }), false);
  assert.equal(fits("etcd", { etcd: [3, 4, 23] }), false);
  assert.equal(fits("etcd", { etcd: [3, 5, 21] }), true);
  assert.equal(fits("kwok", {}), false);
});

test("Kubernetes' programs are used together, within the skew that they support", () => {
  const server: Version = [1, 34, 4];
  const all = (manager: Version, kubectl: Version) =>
    fits("kubernetes", { "kube-apiserver": server, "kube-controller-manager": manager, kubectl });
  assert.equal(all([1, 34, 1], [1, 34, 0]), true);
  assert.equal(all([1, 33, 0], [1, 35, 0]), true);
  assert.equal(all([1, 35, 0], [1, 34, 0]), false, "a manager newer than the server");
  assert.equal(all([1, 32, 0], [1, 34, 0]), false, "a manager two minors older");
  assert.equal(all([1, 34, 4], [1, 32, 0]), false, "a kubectl two minors older");
  assert.equal(fits("kubernetes", { kubectl: [1, 34, 4] }), false, "kubectl alone");
});
