/**
 * For each fault that leaves a node out of service in a roll-out, the three ways on: back to the old configuration, on to a
 * newer one, and the same again. Each ends with every node in service on what the configuration says, and nothing to do.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rebuild, WaysOn } from "../waysOn.ts";
import { Enrolling } from "./enrolling.ts";
import { faultsOut, type FaultOut } from "./faultsOut.ts";

/** What `rebuild` is set to next. Every roll-out has a number of its own: the nodes have no image of it yet. */
const ways = {
  back: ({ old }: Counts) => old,
  "on to a newer one": ({ failed }: Counts) => failed + 1,
  "the same again": ({ failed }: Counts) => failed,
};
type Way = keyof typeof ways;

/** What `rebuild` was in the last good `up`, and in the roll-out that met the fault. */
interface Counts {
  readonly old: number;
  readonly failed: number;
}

describe("the ways on from a node that is out", { concurrency: false }, () => {
  let nodes: Enrolling;
  let on: WaysOn;
  let old = 0;
  /** The highest `rebuild` so far. */
  let highest = 0;

  before(async () => {
    nodes = await Enrolling.start({ nodes: 2, mode: "console" });
    on = new WaysOn(nodes.scene);
    await on.ends();
  });
  after(() => nodes.end());

  for (const [what, fault] of Object.entries(faultsOut)) {
    for (const way of Object.keys(ways) as Way[]) test(`${what}: ${way}`, () => goOn(fault, way));
  }

  async function goOn(fault: FaultOut, way: Way): Promise<void> {
    const place = { nodes, ways: on };
    const before = await on.image();
    const failed = highest + 1;
    await fault.make?.(place);
    await fault.meet(place, ...rebuild(failed));
    await on.assertCordoned("worker-1");
    if (way === "the same again" && fault.lasting !== undefined) {
      await on.fails(fault.lasting, ...rebuild(failed));
      await on.assertCordoned("worker-1");
    }

    await fault.fix?.(place);
    const next = ways[way]({ old, failed });
    await on.ends(...rebuild(next));
    assert.equal((await on.image()) === before, next === old);
    [old, highest] = [next, Math.max(failed, next)];
  }
});
