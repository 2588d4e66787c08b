/** `npm run status` and `npm run mok-password` on a sandbox's stack, from a shell that knows nothing of the sandbox. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { compareSync } from "bcryptjs";
import { stackStatus, type NodeStatus } from "../../core/node/nodeStatus.ts";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import { writesBy } from "./cluster.ts";
import { type Ran, runScript } from "./scripts.ts";
import { startStack, type Stack } from "./stack.ts";

describe("the everyday scripts", { concurrency: false }, () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack({
      nodes: 2,
      secureBoot: true,
      configure: ({ config }) => (config["onload-kmm:enrolment"] = { mode: "operator" }),
    });
  });
  after(async () => {
    await stack.end();
  });

  const script = (name: string, ...args: string[]): Promise<Ran> => runScript(stack, name, ...args);

  async function nodes(): Promise<NodeStatus[]> {
    const { code, stdout, stderr } = await script("status", "--json");
    assert.equal(code, 0, stderr);
    return stackStatus.parse(JSON.parse(stdout)).nodes;
  }

  /** Of the Solarflare cards, as they stand on the cards themselves. */
  async function serialNumbers(): Promise<string[]> {
    const machine = await controlNode(stack.sandbox.dir, "worker-1", "state");
    const numbers = machine?.interfaces.flatMap(({ card }) => card.serial ?? []) ?? [];
    assert.equal(numbers.length, 2);
    return numbers;
  }

  test("before the first `up` there are nodes, but neither a key to ask for nor a password", async () => {
    const found = await nodes();
    assert.deepEqual(
      found.map(({ node, ready, key, kmm, version }) => [node, ready, key.state, kmm, version.wanted]),
      [
        ["worker-1", true, null, null, null],
        ["worker-2", true, null, null, null],
      ],
    );
    const { code, stdout, stderr } = await script("mokPassword");
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^this stack has no MOK password yet: `pulumi up` makes one/);
  });

  test("after it the table shows what waits for the operator, and writes nothing", async () => {
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    const before = (await stack.sandbox.auditLog()).length;
    const { code, stdout, stderr } = await script("status");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^NODE +READY +SERVICE +SECURE BOOT +KEY +VERSION +KMM +DRIVER +CARD +PHASE\n/);
    assert.match(stdout, /\nworker-1 +yes +in service +enabled +pending +- +- +\S/);
    const serials = await serialNumbers();
    assert.match(stdout, new RegExp(`X2522 \\*{4}${serials[0]?.slice(-4)} \\(8\\.4\\.0\\.1003 rx1 tx1\\)`));
    for (const serial of serials) assert.ok(!stdout.includes(serial.slice(-5)), "no more than its end is shown");
    assert.deepEqual(writesBy("admin", (await stack.sandbox.auditLog()).slice(before)), []);
  });

  test("a node that doesn't answer says so in its line, and the others are told all the same", async () => {
    const patch = JSON.stringify({ data: { "ssh.refuse": "worker-2" } });
    await stack.sandbox.kubectl(["-n", "sandbox", "patch", "configmap", "switches", "--type=merge", "-p", patch]);
    const [one, other] = await nodes();
    assert.deepEqual(one?.key, { state: "pending", trusted: false });
    assert.deepEqual(other?.key, { state: null, trusted: null });
    assert.match(other.unreachable ?? "", /no SSH connection \(.*ECONNREFUSED/);
  });

  test("the password is the one that MokManager will ask for", async () => {
    const { stdout, stderr } = await script("mokPassword");
    const machine = await controlNode(stack.sandbox.dir, "worker-1", "state");
    assert.ok(compareSync(stdout.trim(), machine?.firmware.mokAuth ?? ""), stderr);
  });

  test("a given password is shown as it was given", async () => {
    const set = ["config", "set", "--secret", "onload-kmm:mokPassword", "givenPassword1"];
    await stack.pulumi(...set, "--stack", "dev", "--config-file", stack.configFile);
    assert.equal((await script("mokPassword")).stdout, "givenPassword1\n");
  });

  test("another stack's own environment is left alone", async () => {
    const { code, stderr } = await script("status", "--config-file", "Pulumi.prod.yaml");
    assert.equal(code, 1);
    assert.doesNotMatch(stderr, /worker-1/);
  });
});
