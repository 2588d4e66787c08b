import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "../../../core/configuration/parseSettings.ts";
import { schema } from "../../../core/configuration/settings.ts";
import { asPulumi, changed, complete, keyAt, least, leaves } from "./settings.ts";

const parse = (settings: object, secrets: string[] = []) =>
  parseSettings(asPulumi(settings), (key) => secrets.includes(key));
const problemsOf = (settings: object, secrets: string[] = []): string[] => parse(settings, secrets).problems;

test("a complete configuration comes through as it was written", () => {
  const { settings, problems } = parse(complete);
  assert.deepEqual(problems, []);
  assert.deepEqual(settings, complete);
});

test("the example sets every key but the secret ones, so that the tests below reach them all", () => {
  // A list in a file has tests of its own (nodesFile.test.ts).
  const keys = [
    ...Object.keys(complete),
    "nodesFile",
    "signingKey",
    "signingCertificate",
    "mokPassword",
    "bmcCredentials",
  ];
  assert.deepEqual(keys.sort(), Object.keys(schema.shape).sort());
});

test("what isn't set gets its default", () => {
  const { settings, problems } = parse(least);
  assert.deepEqual(problems, []);
  assert.deepEqual(settings, {
    ...least,
    namespace: "onload-kmm",
    build: {
      strategy: "driver-toolkit",
      kernels: "^.+$",
      baseImage: "registry.access.redhat.com/ubi9/ubi-minimal:9.6",
      timeoutMinutes: 60,
      nextKernels: [],
    },
    rebuild: 0,
    signing: { source: "generated", subject: "onload-kmm module signing", protect: false },
    nodes: [{ ...least.nodes[0], hold: false, ownNetworkOnSolarflare: false, withoutPorts: false }],
    ssh: { user: "core", agent: true },
    enrolment: { mode: "attended", timeoutMinutes: 60, removeOnDestroy: false },
    rollout: { maxParallel: 1, drain: true, drainTimeoutMinutes: 15, loadTimeoutMinutes: 15 },
  });
});

/** What zod says where nobody wrote what is expected. */
const unwritten = /Invalid|Too (small|big)|expected (string|number|boolean|array)\b/;

for (const path of leaves(complete)) {
  test(`a value of the wrong type at ${keyAt(path)} is told with key, value and expectation`, () => {
    const problems = problemsOf(changed(complete, path, { of: "nothing" }));
    const about = problems.find((problem) => problem.startsWith(`${keyAt(path)}: found `));
    assert.ok(about !== undefined, problems.join("\n"));
    assert.match(about, /found "?\{\\?"of\\?":\\?"nothing\\?"\}"?, expected \S.{5,}/);
    assert.doesNotMatch(problems.join("\n"), unwritten);
  });
}

for (const path of leaves(least).filter(([key]) => key !== "ssh")) {
  test(`without ${keyAt(path)} nothing begins, and the message says what to put there`, () => {
    const problems = problemsOf(changed(least, path, undefined));
    assert.equal(problems.length, 1);
    assert.ok(problems[0]?.startsWith(`${keyAt(path)}: missing; expected `), problems[0]);
    assert.doesNotMatch(problems[0] ?? "", unwritten);
  });
}

for (const key of Object.keys(least)) {
  test(`without onload-kmm:${key} nothing begins, and the message says what to put there`, () => {
    const problems = problemsOf(changed(least, [key], undefined));
    assert.equal(problems.length, 1);
    assert.match(
      problems[0] ?? "",
      new RegExp(`^onload-kmm:${key}: missing; expected an? (object; see|list of nodes)`),
    );
  });
  test(`a text in place of the whole of onload-kmm:${key} is refused`, () => {
    const [problem = "", ...more] = problemsOf({ ...least, [key]: "nonsense" });
    assert.deepEqual(more, []);
    assert.match(problem, new RegExp(`^onload-kmm:${key}: found "nonsense", expected an? (object; see|list of nodes)`));
  });
}

const objects: (string | number)[][] = [
  [],
  ...Object.entries(complete)
    .filter(([, value]) => typeof value === "object" && !Array.isArray(value))
    .map(([key]) => [key]),
  ["nodes", 0],
  ["nodes", 0, "bmc"],
];
for (const path of objects) {
  test(`a misspelt key in ${keyAt(path)} is told, and how to get rid of it`, () => {
    const key = keyAt([...path, "Misspelt"]);
    assert.deepEqual(problemsOf(changed(complete, [...path, "Misspelt"], "secret?")), [
      `${key}: unknown key; check the spelling (README, "Configuration"), or remove it with \`pulumi config rm --path\` [OKMM-CONFIG-UNKNOWN]`,
    ]);
  });
}

const meant: [path: (string | number)[], key: string, meant: string][] = [
  [[], "enrollment", "enrolment"],
  [[], "node", "nodes"],
  [["rollout"], "maxParalel", "maxParallel"],
  [["rollout"], "maxparallel", "maxParallel"],
  [["nodes", 0], "hostkey", "hostKey"],
  [["nodes", 0, "bmc"], "fingerPrint", "fingerprint"],
];
for (const [path, key, expected] of meant) {
  test(`${key} in ${keyAt(path)} is told with what was meant`, () => {
    const [problem, ...others] = problemsOf(changed(complete, [...path, key], "x"));
    assert.deepEqual(others, []);
    assert.ok(problem?.startsWith(`${keyAt([...path, key])}: unknown key; did you mean ${expected}? `), problem);
  });
}

test("all mistakes are told in one report, each once", () => {
  const problems = problemsOf({
    cluster: { ...complete.cluster, id: "prod", contxt: "a" },
    namespace: "n".repeat(41),
    release: { package: "onload.tar", sha256: "ABC", version: 9 },
    rebuild: -1,
    nodes: [{ name: "A" }, { name: "w", address: "w", hostKey: "w" }, { name: "w" }],
    enrolment: { mode: "console" },
    mokPassword: "short",
    rollout: { maxParallel: 0 },
    unknown: 1,
  });
  const keys = problems.map((problem) => problem.split(": ")[0]);
  assert.deepEqual(
    keys.filter((key, index) => keys.indexOf(key) !== index),
    // In plain text, and too short.
    ["onload-kmm:mokPassword"],
  );
  assert.deepEqual(
    [...new Set(keys)].sort(),
    [
      "cluster.contxt",
      "cluster.id",
      "mokPassword",
      "namespace",
      "nodes[0].address",
      "nodes[0].console",
      "nodes[0].hostKey",
      "nodes[0].name",
      "nodes[1].console",
      "nodes[1].hostKey",
      "nodes[2].address",
      "nodes[2].console",
      "nodes[2].hostKey",
      "nodes[2].name",
      "rebuild",
      "release.package",
      "release.sha256",
      "release.version",
      "rollout.maxParallel",
      "ssh",
      "unknown",
    ].map((key) => `onload-kmm:${key}`),
  );
});

test("a key with nothing after its colon is one mistake", () => {
  for (const key of ["nodes", "rollout", "registry"]) {
    const { problems } = parseSettings({ ...asPulumi(least), [key]: "" }, () => false);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", new RegExp(`^onload-kmm:${key}: found nothing, expected an? (object|list)`));
  }
});

test("two names for one address are refused, since the one node would be checked on the other", () => {
  const [node] = least.nodes;
  const problems = problemsOf({
    ...least,
    nodes: [node, { ...node, name: "worker-1" }, { ...node, name: "worker-1" }],
  });
  assert.deepEqual(problems, [
    `onload-kmm:nodes[1].address: found "10.0.0.1", expected each node's own address; nodes[0] has this one, too [OKMM-CONFIG-VALUE]`,
    'onload-kmm:nodes[2].name: found "worker-1", expected each node once in the list; nodes[1] is it, too [OKMM-CONFIG-VALUE]',
  ]);
});
