import assert from "node:assert/strict";
import { test } from "node:test";
import { checkUpgrade, lineNames, kmmChoice } from "../../kmm/lines.ts";
import { UserError } from "../../userError.ts";

test("an unknown line of KMM is refused, and the known ones are named", () => {
  for (const name of lineNames) assert.equal(kmmChoice(name), name);
  for (const value of ["2.8", "", "toString"]) {
    assert.throws(
      () => kmmChoice(value),
      (error: Error) => {
        assert.ok(error instanceof UserError);
        assert.equal(error.message, `--kmm ${value}: no such line of KMM; there are 2.4.1, 2.4, 2.5, 2.6, 2.7`);
        return true;
      },
    );
  }
});

test("KMM can be upgraded, and not taken back", () => {
  for (const [at, from] of lineNames.entries()) {
    for (const [other, to] of lineNames.entries()) {
      const check = (): void => checkUpgrade(from, to);
      if (other >= at) check();
      else assert.throws(check, /^UserError: --kmm .*: this sandbox has .* can't be taken back to an older version/);
    }
  }
});
