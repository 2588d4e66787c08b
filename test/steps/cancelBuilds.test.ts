import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeCluster, type Given } from "./fakeCluster.ts";

const label = "openshift.io/build-config.name";
const build = (name: string, phase?: string, labels: Record<string, string> = { [label]: "onload-srpm" }): Given => ({
  kind: "Build",
  metadata: { name, namespace: "ns", labels },
  ...(phase !== undefined && { status: { phase } }),
});

test("builds that still run are cancelled, and only ours", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(
    build("new"),
    build("pending", "Pending"),
    build("running", "Running"),
    build("complete", "Complete"),
    build("failed", "Failed"),
    build("somebody's", "Running", {}),
  );
  const input = { cluster: cluster.access, namespace: "ns", selector: `${label}=onload-srpm` };
  const { code, stdout } = await cluster.step("cancelBuilds", input);
  assert.deepEqual([code, stdout], [0, '{"cancelled":3}']);
  const cancelled = (name: string): unknown => {
    const status = cluster.find("Build", name)?.["status"] as { cancelled?: unknown } | undefined;
    return status?.cancelled;
  };
  assert.deepEqual(["new", "pending", "running"].map(cancelled), [true, true, true]);
  assert.deepEqual(["complete", "failed", "somebody's"].map(cancelled), [undefined, undefined, undefined]);
});

test("where there is nothing to cancel, nothing is written", async (t) => {
  const cluster = new FakeCluster(t);
  const input = { cluster: cluster.access, namespace: "ns", selector: `${label}=onload-srpm` };
  const { code, stdout } = await cluster.step("cancelBuilds", input);
  assert.deepEqual([code, stdout], [0, '{"cancelled":0}']);
  assert.ok(cluster.commands.every((command) => command.startsWith("get ")));
});
