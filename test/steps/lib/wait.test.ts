import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../../steps/cluster/kubectl.ts";
import { waitUntil } from "../../../steps/lib/wait.ts";
import { clock, FakeCluster } from "../fakeCluster.ts";

const refused = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?";

/** A wait for a node during which the API server goes away, and comes back after `tries`. */
async function away(cluster: FakeCluster, tries: number, setting?: string): Promise<number> {
  const kubectl = await connect(cluster.access);
  const waiting = {
    timeoutSeconds: 30,
    error: "OKMM-BOOT-TIMEOUT" as const,
    remedy: "look",
    ...(setting !== undefined && { setting }),
  };
  const began = clock.now();
  let looks = 0;
  await waitUntil("w1", waiting, async () => {
    looks += 1;
    if (looks > 1) cluster.fail("get node", refused, tries);
    await kubectl.get("nodes", "w1");
    return looks > 1 ? { done: undefined } : { missing: "a new boot" };
  });
  return (clock.now() - began) / 1000;
}

test("a limit that is a setting holds while the API server is away, and tells both", async (t) => {
  const cluster = new FakeCluster(t);
  const began = clock.now();
  await assert.rejects(
    away(cluster, 100, "enrolment.timeoutMinutes"),
    /^Error: timed out after 30 s waiting for w1: a new boot; the API server is away \(kubectl .* was refused .*\); look; to allow more time, raise onload-kmm:enrolment\.timeoutMinutes$/,
  );
  assert.ok(clock.now() - began <= 31_000);
});

test("a limit of our own doesn't count the time for which the API server is away", async (t) => {
  assert.ok((await away(new FakeCluster(t), 30)) > 55);
});
