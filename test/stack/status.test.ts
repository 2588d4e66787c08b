/** `npm run status` and `npm run mok-password` on a sandbox's stack, from a shell that knows nothing of the sandbox. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { compareSync } from "bcryptjs";
import type { NodeStatus } from "../../core/node/nodeStatus.ts";
import { statusReport } from "../../core/node/statusTable.ts";
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

  /** What the JSON says of the nodes; it is just what its contract names. */
  async function nodes(): Promise<NodeStatus[]> {
    const { code, stdout, stderr } = await script("status", "--json");
    assert.equal(code, 0, stderr);
    const found: unknown = JSON.parse(stdout);
    const report = statusReport.parse(found);
    assert.deepEqual(report, found);
    return report.nodes;
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
      found.map(({ node, ready, key, version, kmm }) => [node, ready, key.found, version.wanted, kmm]),
      [
        ["worker-1", true, null, null, "none"],
        ["worker-2", true, null, null, "none"],
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
    assert.match(stdout, /^ {2}NODE +READY +SERVICE +SECURE BOOT +KEY +VERSION +KMM +DRIVER +CARD +PHASE\n/);
    assert.match(stdout, /\n! worker-1 +yes +in service +enabled +pending +- +- +\S/);
    assert.match(
      stdout,
      /\n! worker-1: waits for you; key pending, not trusted; version none, wanted \w{12}; KMM: nothing loaded/,
    );
    assert.ok(stdout.endsWith("\n\n0 of 2 on OpenOnload 0.9.0.1, look at worker-1, worker-2\n"), stdout);
    const serials = await serialNumbers();
    assert.match(stdout, new RegExp(`X2522 \\*{4}${serials[0]?.slice(-4)} \\(8\\.4\\.0\\.1003 rx1 tx1\\)`));
    for (const serial of serials) assert.ok(!stdout.includes(serial.slice(-5)), "no more than its end is shown");
    assert.deepEqual(writesBy("admin", (await stack.sandbox.auditLog()).slice(before)), []);
  });

  test("a node that doesn't answer says so in its line, and the others are told all the same", async () => {
    await stack.set({ "ssh.refuse": "worker-2" });
    const [one, other] = await nodes();
    assert.equal(one?.key.found, "pending");
    assert.deepEqual([other?.key.found, other?.answers], [null, false]);
    assert.match(other?.unreachable ?? "", /no SSH connection \(.*ECONNREFUSED/);
  });

  test("the exit code tells on request that a node isn't as it should be", async () => {
    const { code, stdout } = await script("status", "--exit-code");
    assert.match(stdout, /look at worker-1, worker-2\n$/);
    assert.equal(code, 3);
  });

  test("help and an unknown option give the usage", async () => {
    const help = await script("status", "--help");
    assert.deepEqual([help.code, help.stderr], [0, ""]);
    assert.match(help.stdout, /^npm run status \[-- OPTIONS\]\n[^]*\n {2}--exit-code /);
    const { code, stdout, stderr } = await script("status", "--bogus");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.equal(stderr, `Unknown option '--bogus'\n\n${help.stdout}`);
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
