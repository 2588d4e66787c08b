import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { choose, type Part } from "./parts.ts";

const chosen = (...args: string[]) => choose(args, projectRoot).map(({ name }) => name);

function patternsOf(part: Part | undefined): readonly string[] {
  return part && "tests" in part.runs ? part.runs.tests.patterns : [];
}

test("npm test runs check, units, hostile input, sandbox, the stack on it, chaos, and machine, in this order", () => {
  assert.deepEqual(chosen(), ["check", "unit", "hostile", "sandbox", "stack", "chaos", "machine"]);
});

test("a part is run by its name, and a file by the part that it belongs to", () => {
  assert.deepEqual(chosen("faults"), ["faults"]);
  const files = ["test/machine/machine.test.ts", "test/core/hash.test.ts", "test/core/node/rolloutOrder.test.ts"];
  const parts = choose(files, projectRoot);
  assert.deepEqual(parts.map(patternsOf), [files.slice(1), files.slice(0, 1)]);
  assert.deepEqual(choose(["../core/hash.test.ts"], join(projectRoot, "test/runner")).map(patternsOf), [
    ["test/core/hash.test.ts"],
  ]);
});

test("each test file belongs to a part", () => {
  const files = globSync("{sandbox,secure-boot,test}/**/*.test.ts", { cwd: projectRoot });
  assert.ok(files.length > 100);
  for (const file of files) assert.equal(choose([file], projectRoot).length, 1, file);
});

test("what isn't there is refused", () => {
  for (const arg of ["test/core/nothing.test.ts", "test/core", "unit2", "index.ts"]) {
    assert.throws(() => choose([arg], projectRoot), /no test file and no part/, arg);
  }
});
