/** Seven nodes, two at a time: never more than two out of service, whatever happens in between, by the API server's account. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { mostOut, outages, type Change } from "../../stack/outages.ts";
import { Enrolling } from "./enrolling.ts";

const all = Array.from({ length: 7 }, (_, index) => `worker-${index + 1}`);

describe("maxParallel: 2 on seven nodes", { concurrency: false }, () => {
  let nodes: Enrolling;

  before(async () => {
    nodes = await Enrolling.start({ nodes: all.length, mode: "console", rollout: { maxParallel: 2 } });
  });
  after(() => nodes.end());

  test("enrolling and rebooting all: the canary alone, then two at a time, each out once", async () => {
    const before = (await nodes.scene.stack.sandbox.auditLog()).length;
    await nodes.recovers();
    const changes = await changesSince(before);
    assert.deepEqual(
      changes.slice(0, 2).map(({ node, out }) => [node, out]),
      [
        ["worker-1", true],
        ["worker-1", false],
      ],
    );
    assert.equal(mostOut(changes), 2);
    assert.deepEqual(outOf(changes).sort(), all);
  });

  test("a roll-out that is killed, fails at a node and is run again: still two at most", async () => {
    const before = (await nodes.scene.stack.sandbox.auditLog()).length;
    const rebuild = ["--config", "onload-kmm:rebuild=1"];
    await nodes.scene.cut("up", /worker-2: cordoned/, "power", ...rebuild);
    await nodes.scene.unlock("up");
    await nodes.scene.set({ "ssh.refuse": "worker-5" });
    const failed = await nodes.scene.stack.up(...rebuild);
    assert.notEqual(failed.exitCode, 0, failed.output);
    await nodes.scene.set({ "ssh.refuse": null });
    await nodes.scene.again("up", ...rebuild);
    await nodes.scene.assertFull();

    const changes = await changesSince(before);
    assert.equal(mostOut(changes), 2);
    assert.deepEqual([...new Set(outOf(changes))].sort(), all);
  });

  test("destroy: two at most", async () => {
    const before = (await nodes.scene.stack.sandbox.auditLog()).length;
    await nodes.scene.again("destroy");
    await nodes.scene.assertGone();
    const changes = await changesSince(before);
    assert.equal(mostOut(changes), 2);
    assert.deepEqual(outOf(changes).sort(), all);
  });

  const outOf = (changes: readonly Change[]): string[] => changes.flatMap(({ node, out }) => (out ? [node] : []));

  async function changesSince(entry: number): Promise<Change[]> {
    return outages((await nodes.scene.stack.sandbox.auditLog()).slice(entry), all);
  }
});
