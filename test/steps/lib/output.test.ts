import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cleanLine, cutLine } from "../../../steps/lib/output.ts";
import { character } from "../../hostile/inputs.ts";

const longest = 4096;
const anything = fc.oneof(
  fc.string({ unit: character, maxLength: 12_000, size: "max" }),
  fc.string({ unit: "grapheme", maxLength: 12_000, size: "max" }),
  fc
    .tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.nat({ max: 9000 }))
    .map(([text, times]) => text.repeat(times)),
);

test("a line that fits stays as it is, to the last byte", () => {
  for (const line of ["", "x", "x".repeat(longest), "é".repeat(longest / 2)]) assert.equal(cutLine(line), line);
});

test("a line that is one byte too long is cut, and says by how much", () => {
  assert.equal(cutLine("x".repeat(longest + 1)), `${"x".repeat(4056)}… (41 bytes cut)`);
});

test("any line is cut between characters, and nothing is miscounted", () => {
  fc.assert(
    fc.property(anything, (text) => {
      const line = text.toWellFormed();
      const cut = cutLine(line);
      assert.ok(Buffer.byteLength(cut) <= longest);
      assert.ok(cut.isWellFormed());
      const [, kept = "", missing = ""] = /^(.*)… \((\d+) bytes cut\)$/s.exec(cut) ?? [];
      if (Buffer.byteLength(line) <= longest) assert.equal(cut, line);
      else {
        assert.ok(line.startsWith(kept));
        assert.equal(Buffer.byteLength(kept) + Number(missing), Buffer.byteLength(line));
      }
    }),
  );
});

test("any line is cleaned of control characters and halves of characters, and of nothing else", () => {
  fc.assert(
    fc.property(fc.string({ unit: character }), (line) => {
      const clean = cleanLine(line);
      assert.ok(clean.isWellFormed());
      assert.doesNotMatch(clean, /[\u0000-\u0008\n-\u001f\u007f-\u009f]/);
      assert.equal(cleanLine(clean), clean);
    }),
  );
  assert.equal(cleanLine("naïve\tKöln 日本 👍"), "naïve\tKöln 日本 👍");
  assert.equal(cleanLine("\u001b[2J\u001b[1;31mShim\u001b[0m\u0000"), "Shim\u{FFFD}");
});
