import assert from "node:assert/strict";
import test from "node:test";
import { listing, merged, type Mutant } from "./listing.ts";

const source = "const a = 1;\nconst isBoth = a > 0 &&\n  b;\n";

const mutant = (status: string, replacement = "false"): Mutant => ({
  fileName: "core/x.ts",
  status,
  replacement,
  location: { start: { line: 2, column: 16 }, end: { line: 3, column: 4 } },
});

test("a file's listing counts its mutants and quotes, on one line, those that nobody noticed", () => {
  const mutants = [mutant("Killed"), mutant("Timeout"), mutant("Ignored"), mutant("Survived", "a > 0 || b")];
  assert.equal(
    listing("core/x.ts", source, [...mutants, mutant("NoCoverage")]),
    "### core/x.ts\n\n4 mutants: 2 killed, 1 survive, 1 reached by no test.\n\n" +
      "- line 2: `` a > 0 && b `` → `` a > 0 || b ``\n" +
      "- line 2, reached by no test: `` a > 0 && b `` → `` false ``",
  );
});

test("long code is quoted by its ends", () => {
  const long = `first${"-".repeat(200)}last`;
  assert.match(listing("core/x.ts", source, [mutant("Survived", long)]), /→ `` first-+ … -+last ``$/);
});

test("listings take their files' place, and leave the words before them and other files alone", () => {
  const document = "# Mutants\n\nWhy.\n\n### core/b.ts\n\nold b\n\n### core/d.ts\n\nold d\n";
  assert.equal(
    merged(document, ["### core/d.ts\n\nnew d", "### core/c.ts\n\nnew c"]),
    "# Mutants\n\nWhy.\n\n### core/b.ts\n\nold b\n\n### core/c.ts\n\nnew c\n\n### core/d.ts\n\nnew d\n",
  );
});
