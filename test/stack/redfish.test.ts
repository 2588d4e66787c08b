/** Secure Boot on, and nobody at any console: the certificate gets into each node's UEFI db through its BMC. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import type { BmcIdentity } from "@onload-kmm/sandbox/redfish/identity";
import { leaksInCluster } from "../secrets/cluster.ts";
import { assertInDebugLog, assertStateSecrets } from "../secrets/document.ts";
import { atHome, searchOfRun } from "../secrets/ofRun.ts";
import { leaksInFiles, leaksInProcesses, leaksInText } from "../secrets/places.ts";
import { secretsInState } from "../secrets/state.ts";
import { configureRedfish, throughBmcs } from "./bmcs.ts";
import { startStack, type Proof, type Stack } from "./stack.ts";

const workers = ["worker-1", "worker-2"];

describe("enrolment through the nodes' BMCs", { concurrency: false }, () => {
  let stack: Stack;
  let bmc: BmcIdentity;

  before(async () => {
    stack = await startStack({ nodes: workers.length, secureBoot: true });
    bmc = await throughBmcs(stack);
  });
  after(async () => {
    await stack.end();
  });

  test("a firmware that ignores its BMC is told, on the canary alone, which stays cordoned", async () => {
    await stack.set({ "node.db-unchanged": "worker-1" });
    const { exitCode, output } = await stack.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /worker-1: came back without the certificate in db \(not-enrolled\): the firmware didn't accept/,
    );
    assert.doesNotMatch(output, /worker-2: cordoned/);
    assert.deepEqual(await cordoned(), ["worker-1"]);
    await stack.set({ "node.db-unchanged": null });
  });

  test("up goes on from there: each node trusts the key by its db, is loaded, proven and in service", async () => {
    const running = stack.up();
    const [leaks, up] = await Promise.all([leaksInProcesses(secretsNow(), running), running]);
    assert.equal(up.exitCode, 0, up.output);
    assert.deepEqual(
      (await proofs()).map(({ node, state, secureBoot, key }) => ({ node, state, secureBoot, key })),
      workers.map((node) => ({ node, state: "proven", secureBoot: "enabled", key: "in-db" })),
    );
    assert.deepEqual(await cordoned(), []);
    assert.deepEqual(leaks, []);
    const search = await secretsNow()();
    assertInDebugLog("--event-log", search.in(await stack.lastEvents()));
    for (const node of workers) {
      const { firmware } = await machine(node);
      assert.deepEqual([firmware.db.length, firmware.mokList, firmware.mokNew], [1, [], null]);
      const console = await readFile(join(stack.sandbox.dir, "nodes", node, "console.log"), "utf8");
      assert.match(console, /Loading Linux/);
      assert.doesNotMatch(console, /MOK management/i);
    }
  });

  test("a second up neither changes nor reboots anything", async () => {
    const before = await bootIds();
    const { exitCode, output, steps } = await stack.up("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps, []);
    assert.deepEqual(await bootIds(), before);
  });

  test("the BMCs' password is neither in plain state, nor in logs, nor on a node's disk, nor in the cluster", async () => {
    const shown = await stack.pulumi("stack", "export", "--show-secrets", "--stack", "dev");
    assertStateSecrets(secretsInState(shown.output), ["always", "mode redfish"]);
    const search = await secretsNow()();
    assert.deepEqual(
      search
        .in(shown.output)
        .map(({ secret }) => secret)
        .sort(),
      ["BMC password", "signing key"],
    );
    assert.deepEqual(await leaksInFiles(stack.sandbox.dir, search, atHome), []);
    assert.deepEqual(await leaksInCluster(stack.sandbox, search), []);
    assert.deepEqual(leaksInText("output", stack.printed.join("\n"), search), []);
  });

  test("a node that has left stops trusting the key at its next boot, where that is wanted", async () => {
    await configureRedfish(stack, { removeOnDestroy: true });
    const before = await bootIds();
    const up = await stack.up();
    assert.equal(up.exitCode, 0, up.output);
    assert.deepEqual(await bootIds(), before, "no reboot is needed to want that");
    // The certificate of somebody else.
    await controlNode(stack.sandbox.dir, "worker-2", "addToDb", { certificate: bmc.certificate });

    const { exitCode, output } = await stack.destroy();
    assert.equal(exitCode, 0, output);
    for (const node of workers) {
      assert.match(output, new RegExp(`${node}: the firmware takes the certificate out of db at the next boot`));
    }
    assert.deepEqual((await machine("worker-1")).firmware.dbNext, []);
    assert.equal((await machine("worker-2")).firmware.dbNext?.length, 1);
  });

  const secretsNow = () => searchOfRun(stack.sandbox, { "BMC password": bmc.password });

  async function machine(node: string) {
    return (await controlNode(stack.sandbox.dir, node, "state")) ?? assert.fail(`no machine ${node}`);
  }

  async function proofs(): Promise<Proof[]> {
    return stack.proofs();
  }

  async function cordoned(): Promise<string[]> {
    const path = "{.items[?(@.spec.unschedulable==true)].metadata.name}";
    const names = await stack.sandbox.kubectl(["get", "nodes", "-o", `jsonpath=${path}`]);
    return names === "" ? [] : names.split(" ");
  }

  async function bootIds(): Promise<string> {
    return stack.sandbox.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.bootID}"]);
  }
});
