import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { problemReport } from "../../config.ts";
import { parseSettings } from "../../core/configuration/parseSettings.ts";
import { StackFile, StackFileError } from "../../core/configuration/stackFile.ts";
import { parseOptions } from "../../scripts/init/options.ts";
import { asPulumi, changed, complete, least } from "../core/configuration/settings.ts";
import { rsaPair } from "../core/configuration/pems.ts";
import { assertQuick, assertShowable, assertTold, hostile } from "./hostile.ts";
import { damagedJson, damagedText, odd } from "./inputs.ts";

const secret = "s3cretOfThisTest";
const withSecrets = {
  ...complete,
  enrolment: { mode: "redfish" },
  bmcCredentials: { user: "u", password: secret },
  mokPassword: `${secret}x`,
};
const parse = (settings: object) =>
  parseSettings(asPulumi(settings), (key) => ["signingKey", "mokPassword", "bmcCredentials"].includes(key));

/** A few of the top-level keys are texts that aren't JSON, or JSON of something else. */
const configurations = fc.oneof(
  damagedJson(complete, least, withSecrets),
  fc
    .tuple(damagedJson(complete, withSecrets), fc.constantFrom(...Object.keys(withSecrets), "other"), odd)
    .map(([settings, key, value]) => ({ ...(settings as object), [key]: value })),
);

hostile("configuration", configurations, (given) => {
  if (typeof given !== "object" || given === null) return;
  const { settings, problems } = parse(given);
  assert.equal(settings === undefined, problems.length > 0);
  for (const problem of problems) {
    assertTold(problem, 6000);
    assert.match(problem, /^onload-kmm:/);
    assert.ok(!problem.includes(secret), problem);
  }
  assertShowable(problemReport(problems), 700_000);
  if (settings === undefined) return;
  const again = parse(JSON.parse(JSON.stringify(settings)) as object);
  assert.deepEqual(again.settings, settings, again.problems.join("\n"));
});

const file = `config:
  onload-kmm:cluster:
    kubeconfig: ~/.kube/prod # mine
    context: admin
  onload-kmm:nodes:
    - &first {name: worker-0, address: 10.0.0.1, hostKey: ssh-ed25519 AAAA}
    # the second
    - name: worker-1
      withoutPorts: true
`;
const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n${file}`;

const { nodes, ...rest } = least;
const list = `- name: worker-0 # ${secret}\n  address: 10.0.0.1\n  hostKey: ${nodes[0]?.hostKey ?? ""}\n`;

hostile("list of nodes", damagedText(list, bomb), (text) => {
  const raw = asPulumi({ ...rest, nodesFile: "nodes.yaml" });
  const { settings, problems } = parseSettings(raw, () => false, { readText: () => text });
  assert.equal(settings === undefined, problems.length > 0);
  for (const problem of problems) {
    assertTold(problem, 6000);
    assert.match(problem, /^onload-kmm:nodes(File: |[.[:])/);
    if (problem.startsWith("onload-kmm:nodesFile: ")) assert.ok(!problem.includes(secret), problem);
  }
});

hostile("stack file", fc.tuple(damagedText(file, bomb), odd), ([text, value]) => {
  let stack;
  try {
    stack = new StackFile(text);
  } catch (error) {
    assert.ok(error instanceof StackFileError, String(error));
    assertShowable(error.message);
    return;
  }
  for (const { name } of stack.nodes) assert.equal(typeof name, "string");
  assert.ok(["string", "undefined"].includes(typeof stack.text("cluster", "kubeconfig")));
  assert.equal(typeof stack.isBegun, "boolean");
  stack.setOfNode("worker-1", "address", value);
  const written = stack.toString();
  const [node] = new StackFile(written).nodes.filter(({ name }) => name === "worker-1");
  if (node !== undefined) assert.equal(node.address, value);
});

const options = ["prod", "--nodes", "a,b", "--address", "a=1.2.3.4", "--host-keys", "keyscan", "--write", "nodes"];
hostile("init's options", fc.array(fc.oneof(fc.constantFrom(...options), odd), { maxLength: 8 }), (args) => {
  const parsed = parseOptions(args);
  if (parsed === "help" || !("problems" in parsed)) return;
  assert.ok(parsed.problems.length > 0);
});

test("each wrong value of a long list is told in time, and not as a line of its own", async () => {
  const wrong = Array.from({ length: 900 }, () => ({ name: "A" }));
  const { problems } = await assertQuick(1000, () => parse(changed(complete, ["nodes"], wrong)));
  assert.ok(problems.length > 900);
  const report = problemReport(problems);
  assert.equal(report.match(/^ {2}- onload-kmm/gm)?.length, 100);
  assert.match(report, /and \d+ more, after these/);
});

test("a megabyte in a value's place is not repeated", () => {
  const { problems } = parse(changed(complete, ["cluster", "id"], "x".repeat(1_000_000)));
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /found "x{200}"… \(999800 characters cut\), expected the cluster's identity/);
});

test("a private key where its file's path or its certificate belongs is not shown", async () => {
  const { key } = await rsaPair();
  const [, line = ""] = key.split("\n");
  const wrong = { ...changed(complete, ["ssh", "privateKeyFile"], key), signingCertificate: key };
  const { problems } = parse(changed(wrong, ["signing", "source"], "existing"));
  assert.ok(problems.some((problem) => problem.startsWith("onload-kmm:ssh.privateKeyFile: found a private key")));
  assert.ok(!problems.join("\n").includes(line));
});

test("a port that doesn't exist is told, and not left to the first connection", () => {
  for (const [path, value] of [
    [["nodes", 0, "address"], "worker-0:99999"],
    [["nodes", 0, "address"], "[fd00::1]:0"],
    [["nodes", 0, "console"], "tcp:console:70000"],
    [["registry", "repository"], "registry.example.com:65536/team/onload"],
  ] as const) {
    const { problems } = parse(changed(complete, path, value));
    assert.equal(problems.length, 1, value);
    assert.match(problems[0] ?? "", /found ".*", expected /);
  }
  assert.deepEqual(parse(changed(complete, ["nodes", 0, "address"], "[fd00::1]:65535")).problems, []);
});

test("a YAML file that is nested too deeply, or holds a bomb of aliases, ends in time", () => {
  assert.throws(() => new StackFile(`a: ${"[".repeat(30_000)}`), StackFileError);
  assert.equal(new StackFile(bomb).nodes[1]?.name ?? new StackFile(bomb).nodes[0]?.name, "worker-1");
});
