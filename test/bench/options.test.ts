import assert from "node:assert/strict";
import { test } from "node:test";
import { parts, readOptions } from "./options.ts";
import { roundsOf } from "./sizes.ts";

test("without options everything is measured; sizes are sorted, and each is there once", () => {
  assert.deepEqual(readOptions([]), { nodes: [10, 100, 1000], rounds: 5, only: parts });
  const options = readOptions(["--nodes", "100,10,100", "--rounds", "2", "--only", "noop,start"]);
  assert.deepEqual(options, { nodes: [10, 100], rounds: 2, only: ["noop", "start"] });
});

test("what isn't understood is refused, with what was expected", () => {
  assert.throws(() => readOptions(["--nodes", "10,many"]), /--nodes: found "many", expected numbers/);
  assert.throws(() => readOptions(["--rounds", "0"]), /--rounds: found "0"/);
  assert.throws(() => readOptions(["--only", "previews"]), /--only: found "previews", expected some of preview,up/);
  assert.throws(() => readOptions(["--node", "10"]), /--node/);
});

test("fewer rounds at more nodes, and no roll-outs of a thousand", () => {
  const all = { only: parts, rounds: 5 };
  assert.deepEqual(
    [10, 100, 1000].map((nodes) => roundsOf("preview", nodes, all)),
    [5, 3, 1],
  );
  assert.deepEqual(
    [10, 100, 1000].map((nodes) => roundsOf("up", nodes, all)),
    [2, 1, 0],
  );
  assert.equal(roundsOf("up", 10, { only: ["preview"], rounds: 5 }), 0);
});
