import assert from "node:assert/strict";
import { test } from "node:test";
import type { Registration } from "../components/harness.ts";
import { configOf, filesFor, run, type StackConfig } from "./program.ts";

/** The stack with the most: nodes that are enrolled, and an entitlement. */
async function everything(t: Parameters<typeof filesFor>[0]): Promise<readonly Registration[]> {
  const { release, sshKey } = await filesFor(t);
  const config: StackConfig = {
    ...(await configOf("prod")),
    release,
    build: { strategy: "entitled-ubi" },
    ssh: { privateKeyFile: sshKey },
  };
  const { registrations, error } = await run({ stack: "prod", config });
  assert.equal(error, undefined);
  return registrations;
}

const isGuard = ({ inputs }: Registration): boolean => String(inputs["delete"]).endsWith("steps/guardDestroy.ts");

test("every object in the cluster has a guard in its own component, which is deleted before it", async (t) => {
  const all = await everything(t);
  const objects = all.filter(({ type, read, retained }) => type.startsWith("kubernetes:") && !read && !retained);
  assert.ok(objects.length >= 10);
  for (const { name, type, parent } of objects) {
    const guards = all.filter((each) => isGuard(each) && each.parent === parent && each.dependencies.includes(name));
    assert.equal(guards.length, 1, `${type} ${name}`);
  }
});

test("a Node is never given to a deletion of the provider's, and its marks are taken off as the last thing of all", async (t) => {
  const all = await everything(t);
  const patches = all.filter(({ type }) => type.endsWith(":NodePatch"));
  assert.equal(patches.length, 2);
  for (const { name, retained, dependencies } of patches) {
    assert.ok(retained, name);
    const marks = all.find((each) => each.name === name.replace("-select", "-marks")) ?? assert.fail(name);
    assert.match(String(marks.inputs["delete"]), /steps\/unmarkNode\.ts$/);
    assert.ok(dependencies.includes(marks.name), name);
  }
});

test("a guard waits for its own component's objects alone, so that it is there as soon as they are", async (t) => {
  const all = await everything(t);
  for (const guard of all.filter((each) => isGuard(each) && each.parent !== undefined)) {
    const own = all.filter(({ parent }) => parent === guard.parent).map(({ name }) => name);
    assert.deepEqual(
      guard.dependencies.filter((name) => !own.includes(name)),
      [],
      guard.name,
    );
  }
});

/** Names of all that must be there before `start`, and so goes after it; a child's parent counts. */
function before(all: readonly Registration[], start: Registration): Set<string> {
  const found = new Set<string>();
  const queue = [start];
  for (;;) {
    const each = queue.pop();
    if (each === undefined) return found;
    const { parent, dependencies } = each;
    const parents = all.filter(({ name, type }) => name === parent && isComponent(type));
    const others = all.filter(({ name, type }) => dependencies.includes(name) && !isComponent(type));
    for (const next of [...parents, ...others]) {
      const key = `${next.type} ${next.name}`;
      if (!found.has(key)) queue.push(next);
      found.add(key);
    }
  }
}

const isComponent = (type: string): boolean => type.startsWith("onload-kmm:");

test("a node leaves before anything goes that its unloading needs", async (t) => {
  const all = await everything(t);
  for (const claim of all.filter(({ name }) => name.endsWith("-claim"))) {
    const needs = [...before(all, claim)].map((key) => key.split(":").at(-1));
    for (const need of [
      "Module module",
      "ServiceAccount onload-worker",
      "RoleBinding onload-privileged",
      "Namespace onload",
      `NodePatch ${claim.name.replace("-claim", "-select")}`,
    ]) {
      assert.ok(needs.includes(need), `${claim.name} may go after ${need}`);
    }
  }
});

test("the Module is gone before anything goes that KMM needs for it", async (t) => {
  const all = await everything(t);
  const module = all.find(({ type }) => type.endsWith(":Module")) ?? assert.fail();
  const needs = [...before(all, module)].map((key) => key.split(":").at(-1));
  for (const need of [
    "ConfigMap module-dockerfile",
    "Secret signing-key",
    "Secret signing-cert",
    "Secret entitlement",
    "ImageStream source",
    "ServiceAccount onload-worker",
    "RoleBinding onload-privileged",
    "Namespace onload",
  ]) {
    assert.ok(needs.includes(need), `the Module may go after ${need}`);
  }
});
