import assert from "node:assert/strict";
import { test } from "node:test";
import { OnloadNode } from "../../components/onloadNode.ts";
import { predecessor } from "../../core/node/rolloutOrder.ts";
import { answered } from "./fixtures.ts";
import { named, record, type Registration } from "./harness.ts";
import { node } from "./nodeArgs.ts";

/** Nodes n0, n1, … in their roll-out order, as index.ts creates them. */
function ordered(count: number, width: number): Promise<Registration[]> {
  return record(() => {
    const order: OnloadNode[] = [];
    for (let index = 0; index < count; index++) {
      const before = predecessor(index, width);
      const args = node(`n${index}`, { predecessor: before === undefined ? undefined : order[before] });
      order.push(new OnloadNode(args, {}));
    }
  }, answered);
}

for (const [width, expected] of Object.entries({
  1: [[], ["n0-proof"], ["n1-proof"], ["n2-proof"], ["n3-proof"]],
  2: [[], ["n0-proof"], ["n0-proof"], ["n1-proof"], ["n2-proof"]],
  4: [[], ["n0-proof"], ["n0-proof"], ["n0-proof"], ["n0-proof"]],
})) {
  test(`with ${width} at once, each node's import and outage wait for its own turn's proof`, async () => {
    const all = await ordered(5, Number(width));
    for (const part of ["import", "roll"]) {
      const waits = expected.map((_, index) =>
        named(all, `n${index}-${part}`).dependencies.filter((name) => name.endsWith("-proof")),
      );
      assert.deepEqual(waits, expected, part);
    }
  });
}

test("only what needs the machine is ordered: every node is selected and claimed without waiting for another", async () => {
  const all = await ordered(3, 1);
  for (const name of ["n0", "n1", "n2"]) {
    assert.deepEqual(named(all, `${name}-select`).dependencies, [`${name}-marks`]);
    assert.deepEqual(named(all, `${name}-claim`).dependencies, ["module", `${name}-select`]);
  }
});
