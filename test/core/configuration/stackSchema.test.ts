/** The JSON Schema of stack files says what the program does; what it can't say is listed here. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { keys } from "../../../core/configuration/keys.ts";
import { parseSettings } from "../../../core/configuration/parseSettings.ts";
import { rsaPair } from "./pems.ts";
import { asPulumi, changed, complete, keyAt, least, leaves } from "./settings.ts";
import { refusedInFile, refusedKeys } from "./stackFile.ts";

const problemsOf = (settings: object, secrets: readonly string[] = []): string[] =>
  parseSettings(asPulumi(settings), (key) => secrets.includes(key)).problems;

for (const stack of ["dev", "prod"]) {
  test(`Pulumi.${stack}.yaml names the schema, and is taken`, async () => {
    const text = await readFile(join(import.meta.dirname, `../../../Pulumi.${stack}.yaml`), "utf8");
    assert.match(text, /^# yaml-language-server: \$schema=\.\/docs\/Pulumi\.stack\.schema\.json\n/);
    assert.deepEqual(refusedInFile(parse(text) as object), []);
  });
}

test("the least and a complete configuration are taken", () => {
  assert.deepEqual(refusedKeys(least), []);
  assert.deepEqual(refusedKeys(complete), []);
});

test("what must be there is missed", () => {
  assert.deepEqual(refusedKeys({}), ["cluster", "nodes", "release", "ssh"]);
  for (const path of leaves(least).filter(([key]) => key !== "ssh")) {
    assert.deepEqual(refusedKeys(changed(least, path, undefined)), [path[0]], keyAt(path));
  }
});

test("the list of nodes may be in a file", () => {
  const { nodes, ...rest } = least;
  assert.deepEqual(refusedKeys({ ...rest, nodesFile: "nodes.yaml" }), []);
  assert.deepEqual(refusedKeys({ ...rest, nodesFile: ["nodes.yaml"] }), ["nodesFile"]);
  assert.equal(nodes.length, 1);
});

test("a value of the wrong type is refused for every key", () => {
  for (const path of leaves(complete)) {
    assert.deepEqual(refusedKeys(changed(complete, path, { of: "nothing" })), [path[0]], keyAt(path));
  }
});

test("an unknown key is refused among ours, and another provider's is taken", () => {
  assert.deepEqual(refusedKeys({ ...least, rollOut: {} }), ["rollOut"]);
  const objects = ["cluster", "release", "build", "registry", "signing", "ssh", "enrolment", "rollout"];
  for (const path of [...objects.map((key) => [key]), ["nodes", 0], ["nodes", 0, "bmc"], ["build", "nextKernels", 0]]) {
    assert.deepEqual(refusedKeys(changed(complete, [...path, "Misspelt"], 1)), [path[0]], keyAt(path));
  }
  assert.deepEqual(refusedKeys({ ...least, "aws:region": "eu-central-1" }), []);
  assert.deepEqual(refusedInFile({ config: {}, confg: {} }).includes("/confg"), true);
});

test("values are taken as `pulumi config set` writes them: numbers in quotes, lists and objects as JSON", () => {
  assert.deepEqual(refusedKeys({ ...asPulumi(complete), rebuild: "3" }), []);
  assert.deepEqual(problemsOf({ ...asPulumi(complete), rebuild: "3" }), []);
  assert.deepEqual(refusedKeys({ ...least, rebuild: "soon", nodes: "worker-0" }), ["nodes", "rebuild"]);
});

test("secrets are refused in plain text, and any text may be one", () => {
  const bmcCredentials = { user: "admin", password: "of the BMC" };
  const secrets = { signingKey: "PEM", mokPassword: "correcthorse", bmcCredentials };
  const marked = keys.flatMap(({ path, secret }) => (secret === true ? [path.replace(/\..*/, "")] : []));
  assert.deepEqual(Object.keys(secrets).sort(), marked.sort());
  assert.deepEqual(refusedKeys({ ...least, ...secrets }), marked);
  assert.deepEqual(refusedKeys({ ...least, ...secrets }, marked), []);
  const console = { secure: "v1:…" };
  assert.deepEqual(refusedKeys({ ...least, nodes: [{ ...least.nodes[0], console }] }), []);
});

const pair = await rsaPair();
const [node] = complete.nodes;
const next = { kernel: "5.14.0-570.62.1.el9_6.x86_64" };
/** What only a look at several keys shows: the schema takes it, and the program doesn't. */
const betweenKeys: [rule: string, settings: object, secrets?: string[]][] = [
  ["a way to log in, and one only", { ...least, ssh: {} }],
  ["a way to log in, and one only", { ...least, ssh: { agent: true, privateKeyFile: "k" } }],
  ["the namespace with the Module's name is at most 40 characters long", { ...least, namespace: "n".repeat(35) }],
  ["each node once in the list", { ...least, nodes: [least.nodes[0], least.nodes[0]] }],
  ["driver-toolkit needs an image for the next kernel", { ...least, build: { nextKernels: [next] } }],
  [
    "the next kernel is one that the strategy can build for",
    changed(complete, ["build", "nextKernels", 0, "kernel"], "5.14.0-592.el9.x86_64"),
  ],
  ["console needs each node's console", { ...least, enrolment: { mode: "console" } }],
  ["redfish needs each node's BMC", { ...least, enrolment: { mode: "redfish" } }],
  ["redfish needs the BMCs' login", { ...least, nodes: [node], enrolment: { mode: "redfish" } }],
  ["existing needs a key pair", { ...least, signing: { source: "existing" } }],
  ["generated takes no key pair", { ...least, signingCertificate: pair.certificate }],
  [
    "the two of a pair belong together",
    {
      ...least,
      signing: { source: "existing" },
      signingKey: (await rsaPair()).key,
      signingCertificate: pair.certificate,
    },
    ["signingKey"],
  ],
];
for (const [rule, settings, secrets] of betweenKeys) {
  test(`the program alone knows: ${rule}: ${JSON.stringify(settings).slice(-40)}`, () => {
    assert.deepEqual(refusedKeys(settings, secrets), []);
    assert.notDeepEqual(problemsOf(settings, secrets), []);
  });
}
