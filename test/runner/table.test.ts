import assert from "node:assert/strict";
import { test } from "node:test";
import type { Result } from "./result.ts";
import { failedIn, table } from "./table.ts";

const long = "a cordon unloads a Module that doesn't tolerate it, and an uncordon loads it again, as KMM does it";
const file = "sandbox/test/kmm/kmm.test.ts";
const results: Result[] = [
  { part: "check", passed: 1, skipped: 0, failures: [], elapsedMs: 31_000 },
  {
    part: "unit",
    passed: 790,
    skipped: 1,
    failures: [{ name: "(the part as a whole)", why: "SIGKILL" }],
    elapsedMs: 0,
  },
  {
    part: "sandbox",
    passed: 489,
    skipped: 0,
    failures: [{ name: `nodes › ${long}`, file, why: "Expected values to be strictly equal:" }],
    elapsedMs: 920_000,
  },
  { part: "machine", passed: 0, skipped: 0, failures: [], elapsedMs: 10, notRun: `missing on this host: ${long}` },
];

test("the table names each part, each failure and how to run it alone, and ends with the count", () => {
  assert.equal(
    table(results),
    `part         passed   failed  skipped     time
check             1        0        0    00:31
unit            790        1        1    00:00
sandbox         489        1        0    15:20
machine   not run: missing on this host: a cordon unloads a Module that doesn't
          tolerate it, and an uncordon loads it again, as KMM does it

FAILED (the part as a whole)
  why    SIGKILL
  alone  npm test -- unit

FAILED nodes › a cordon unloads a Module that doesn't tolerate it, and an
       uncordon loads it again, as KMM does it
  in     sandbox/test/kmm/kmm.test.ts
  why    Expected values to be strictly equal:
  alone  npm test -- sandbox/test/kmm/kmm.test.ts

1280 passed, 2 failed
`,
  );
});

test("no line is wider than a terminal of 80 columns", () => {
  for (const line of table(results).split("\n")) assert.ok(line.length <= 80, line);
});

test("a part that failed as a whole counts as one failure", () => {
  assert.equal(failedIn(results), 2);
  assert.equal(failedIn([]), 0);
});
