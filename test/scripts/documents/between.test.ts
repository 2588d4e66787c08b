import assert from "node:assert/strict";
import { test } from "node:test";
import { between } from "../../../scripts/documents/between.ts";

test("what stands between the marks is replaced, and nothing else", () => {
  const page = "# Title\n<!-- begin table: made by a program -->\nold\nolder\n<!-- end table -->\nrest\n";
  const wanted = "# Title\n<!-- begin table: made by a program -->\nnew\n<!-- end table -->\nrest\n";
  assert.equal(between(page, "table", "new"), wanted);
  assert.equal(between(wanted, "table", "new"), wanted);
});

test("marks are comments of YAML, too, and of other names they aren't looked at", () => {
  const file = "a: 1\n# begin config\nb: 2\n# end config\n# begin configuration\n";
  assert.equal(between(file, "config", "c: 3"), "a: 1\n# begin config\nc: 3\n# end config\n# begin configuration\n");
});

for (const [text, expected] of [
  ["", 'expected one comment "begin table", found 0'],
  ["# begin table\n", 'expected one comment "end table", found 0'],
  ["# begin table\n# begin table\n# end table", 'expected one comment "begin table", found 2'],
  ["# end table\n# begin table", 'expected the comment "end table" after "begin table"'],
  ["begin table\nend table", 'expected one comment "begin table", found 0'],
] as const) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => between(text, "table", "new"), new Error(expected));
  });
}
