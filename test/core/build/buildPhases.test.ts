import assert from "node:assert/strict";
import { test } from "node:test";
import { hasEnded, hasFailed } from "../../../core/build/moduleBuild.ts";
import { build } from "./buildView.ts";

for (const [phase, ended, failed] of [
  ["New", false, false],
  ["Pending", false, false],
  ["Running", false, false],
  ["Complete", true, false],
  ["Failed", true, true],
  ["Error", true, true],
  ["Cancelled", true, true],
  [undefined, false, false],
] as const) {
  test(`a Build in phase ${phase ?? "unknown"} has ${ended ? "" : "not "}ended${failed ? ", badly" : ""}`, () => {
    assert.deepEqual([hasEnded(build("b", phase)), hasFailed(build("b", phase))], [ended, failed]);
  });
}
