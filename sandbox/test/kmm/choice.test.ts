import assert from "node:assert/strict";
import { test } from "node:test";
import { checkUpgrade, generationNames, kmmChoice } from "../../kmm/generations.ts";
import { UserError } from "../../userError.ts";

test("an unknown generation is refused with those that there are", () => {
  for (const name of generationNames) assert.equal(kmmChoice(name), name);
  for (const value of ["2.8", "", "toString"]) {
    assert.throws(
      () => kmmChoice(value),
      (error: Error) => {
        assert.ok(error instanceof UserError);
        assert.equal(error.message, `--kmm ${value}: no such generation of KMM; there are 2.4.1, 2.4, 2.5, 2.6, 2.7`);
        return true;
      },
    );
  }
});

test("KMM can be upgraded, and not taken back", () => {
  for (const [at, from] of generationNames.entries()) {
    for (const [other, to] of generationNames.entries()) {
      const check = (): void => checkUpgrade(from, to);
      if (other >= at) check();
      else assert.throws(check, /^UserError: --kmm .*: this sandbox has .* can't be taken back to an older version/);
    }
  }
});
