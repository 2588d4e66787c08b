/** What keeps a node from going out of service, or its stack from going on: budgets, other people, pools. */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { start } from "../running.ts";
import { Enrolling } from "./enrolling.ts";

const both = ["worker-1", "worker-2"];

const pools = "machineconfigpools.machineconfiguration.openshift.io";

const budget = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "busy", namespace: "default" },
  spec: { minAvailable: 1, selector: { matchLabels: { app: "busy" } } },
};
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "busy", namespace: "default", labels: { app: "busy" } },
  spec: { nodeName: "worker-1", containers: [{ name: "busy", image: "busy" }] },
};

describe("outages that can't begin, or go on", { concurrency: false }, () => {
  let nodes: Enrolling;

  before(async () => {
    nodes = await Enrolling.start({ nodes: 2, mode: "console" });
  });
  after(() => nodes.end());

  test("a PodDisruptionBudget blocks the drain until its time is up, is named, and the second `up` goes on", async () => {
    await nodes.limit({}, { drainTimeoutMinutes: 0.1 });
    await blockDrain();
    const output = await nodes.fails(
      /worker-1: draining failed and the node stays cordoned/,
      /pod default\/busy: PodDisruptionBudget default\/busy allows no eviction now/,
      /Look for the PodDisruptionBudget or pod that it names/,
    );
    assert.doesNotMatch(output, /worker-2: cordoned/);
    await nodes.assertCordoned("worker-1");
    assert.equal((await nodes.machine("worker-1")).firmware.mokList.length, 0, "it was not rebooted");

    await freeDrain();
    await nodes.limit({}, { drainTimeoutMinutes: 15 });
    await nodes.recovers();
  });

  test("a pod that a finalizer keeps ends the drain with its time, is named, and the second `up` goes on", async () => {
    await nodes.renew("worker-1");
    await nodes.limit({}, { drainTimeoutMinutes: 0.1 });
    await create({ ...pod, metadata: { ...pod.metadata, finalizers: ["example.com/hold"] } });
    const running = start(nodes.scene.stack, "up");
    assert.ok(await running.says(/worker-1: draining, at most 0\.1 min/), running.output);
    const draining = Date.now();
    const { exitCode, output } = await running.end();
    const seconds = (Date.now() - draining) / 1000;

    assert.notEqual(exitCode, 0, output);
    assert.ok(seconds < 30, `6 s, and the command's own end; it took ${seconds} s`);
    assert.match(output, /worker-1: draining failed and the node stays cordoned/);
    assert.match(output, /pod default\/busy: is being deleted, and kept by its finalizer example\.com\/hold/);
    assert.doesNotMatch(output, /the API server is away|worker-2: cordoned/);
    await nodes.assertCordoned("worker-1");

    const free = JSON.stringify({ metadata: { finalizers: null } });
    await nodes.scene.kubectl("-n", "default", "patch", "pod", "busy", "--type=merge", "-p", free);
    await nodes.limit({}, { drainTimeoutMinutes: 15 });
    await nodes.recovers();
  });

  test("two people with the same stack at once: the second is refused at the node, the first goes on", async () => {
    await nodes.renew("worker-1");
    await blockDrain();
    const first = start(nodes.scene.stack, "up");
    assert.ok(await first.says(/worker-1: draining/), first.output);

    // A backend of their own, as for somebody who exported the stack: there is no lock between them.
    const { dir } = nodes.scene.stack.sandbox;
    const copy = join(dir, "state-of-the-second");
    await cp(join(dir, "state"), copy, { recursive: true, filter: (path) => !path.includes("/locks") });
    const args = ["up", "--yes", "--skip-preview", "--non-interactive", "--stack", "dev"];
    const second = await nodes.scene.stack.sandbox.pulumi([...args, "--config-file", nodes.scene.stack.configFile], {
      env: { PULUMI_BACKEND_URL: `file://${copy}?metadata=skip` },
    });
    assert.notEqual(second.exitCode, 0, second.stdout);
    assert.match(
      second.stdout + second.stderr,
      /timed out after 90 s waiting for the Lease of worker-1: dev\/\S+; another run of this stack is at work: wait for it/,
    );

    await freeDrain();
    const { exitCode, output } = await first.end();
    assert.equal(exitCode, 0, output);
    await nodes.scene.assertFull();
    await nodes.recovers();
  });

  test("a pool that starts updating between two nodes: the second isn't touched, and is done by the second `up`", async () => {
    await nodes.renew(...both);
    const running = start(nodes.scene.stack, "up");
    assert.ok(await running.says(/worker-1: rebooting into MokManager/), running.output);
    const { configuration } = ((await nodes.scene.get(pools, "worker"))?.spec ?? {}) as {
      configuration: { name: string };
    };
    await setTarget("rendered-worker-next");
    const { exitCode, output } = await running.end();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /worker-1: proven/);
    assert.match(
      output,
      /worker-2: machine config pool worker is Updating, not just Updated; the node was not touched/,
    );
    await nodes.assertCordoned();

    await setTarget(configuration.name);
    await nodes.recovers();
  });

  async function create(object: object): Promise<void> {
    await nodes.scene.stack.sandbox.kubectl(["create", "-f", "-"], JSON.stringify(object));
  }

  async function blockDrain(): Promise<void> {
    for (const object of [pod, budget]) await create(object);
    await nodes.scene.until("the budget to count its pod", async () => {
      const found = await nodes.scene.get("poddisruptionbudget", "busy", "-n", "default");
      return found?.status?.["currentHealthy"] === 1;
    });
  }

  async function freeDrain(): Promise<void> {
    await nodes.scene.kubectl("-n", "default", "delete", "poddisruptionbudget", "busy");
    await nodes.scene.kubectl("-n", "default", "delete", "pod", "busy", "--ignore-not-found", "--wait=false");
  }

  /** The configuration that the pool of the workers wants of them. */
  async function setTarget(name: string): Promise<void> {
    const patch = JSON.stringify({ spec: { configuration: { name } } });
    await nodes.scene.kubectl("patch", pools, "worker", "--type=merge", "-p", patch);
  }
});
