import assert from "node:assert/strict";
import { test } from "node:test";
import { fitColumns, type Column } from "../../../core/node/fitColumns.ts";

const columns: readonly Column[] = [
  { title: "NODE", cells: ["worker-1", "w2"] },
  { title: "PHASE", cells: ["-", "-"] },
  { title: "CARD", cells: ["X2522 1234", "-"] },
  { title: "DRIVER", cells: ["sfc 1", "no SSH connection"] },
];

/** What is shown at a width: titles, the widest cell of each, and what is left out. */
function at(width: number, ...dispensable: string[]) {
  const { shown, leftOut } = fitColumns(columns, width, dispensable);
  return { titles: shown.map(({ title }) => title).join(" "), leftOut, cells: shown.map(({ cells }) => cells) };
}

test("a table that fits is left as it is, to the last column of the terminal", () => {
  assert.equal(at(46, "CARD").titles, "NODE PHASE CARD DRIVER");
  assert.equal(at(45, "CARD").titles, "NODE CARD DRIVER");
});

test("a column without content goes unmentioned, one with content is named", () => {
  assert.deepEqual(at(39, "CARD").leftOut, []);
  assert.deepEqual(at(38, "CARD"), {
    titles: "NODE DRIVER",
    leftOut: ["CARD"],
    cells: [columns[0]?.cells, columns[3]?.cells],
  });
});

test("no more columns go than must", () => {
  assert.deepEqual(at(28, "NONE", "CARD", "NODE").leftOut, ["CARD"]);
});

test("what is too wide even then is cut, the widest first, but no title", () => {
  assert.deepEqual(at(18, "CARD").cells, [
    ["worker-1", "w2"],
    ["sfc 1", "no SSH …"],
  ]);
  assert.deepEqual(at(1, "CARD").cells, [
    ["wor…", "w2"],
    ["sfc 1", "no SS…"],
  ]);
});
