import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import ssh from "ssh2";
import { refusedKeys } from "../core/configuration/stackFile.ts";
import { configOf, filesFor, run, type Files, type Run, type StackConfig } from "./program.ts";

/** Pulumi.prod.yaml with files that are there. */
async function goodConfig({ release, sshKey }: Files): Promise<StackConfig> {
  const config = await configOf("prod");
  return { ...config, release, ssh: { user: "core", privateKeyFile: sshKey } };
}

/** What the program says, as a list; and it must have registered nothing by then. */
async function problemsOf(given: Run): Promise<string[]> {
  const { registrations, error = assert.fail("it ran through") } = await run({ stack: "prod", ...given });
  assert.deepEqual(registrations, []);
  const end = "\ndocs/runbook.md explains each, by the name in brackets";
  assert.ok(error.endsWith(end), error);
  const [head = "", ...problems] = error.slice(0, -end.length).split("\n  - ");
  assert.equal(head, `${problems.length} problem${problems.length === 1 ? "" : "s"}, nothing was changed:`);
  const told = keysOf(problems).flatMap((key) => /^onload-kmm:([^.[]*)/.exec(key)?.[1] ?? []);
  // What isn't a matter of the file: the release package's and the SSH key's own contents.
  const isOther = (key: string) => (key === "release" || key === "ssh") && problems.some((each) => outside.test(each));
  const refused = refusedKeys(given.config, given.secrets);
  assert.deepEqual(
    refused,
    [...new Set(told)].sort().filter((key) => refused.includes(key) || !isOther(key)),
  );
  return problems;
}

/** Mistakes that only the files show. */
const outside = /^onload-kmm:(release\.(sha256|version|package)|ssh\.privateKeyFile): /;

const keysOf = (problems: readonly string[]): string[] => problems.map((problem) => problem.split(": ")[0] ?? "");

test("an empty configuration is told all that it lacks at once, before the cluster is even looked at", async () => {
  assert.deepEqual(keysOf(await problemsOf({ config: {} })), [
    "onload-kmm:cluster",
    "onload-kmm:release",
    "onload-kmm:nodes",
    "onload-kmm:ssh",
  ]);
  assert.equal((await run({ config: {} })).asked, undefined);
});

test("mistakes in several keys are told at once, each with value and expectation", async (t) => {
  const config = await goodConfig(await filesFor(t));
  const problems = await problemsOf({
    config: {
      ...config,
      release: { ...(config["release"] as object), version: 9 },
      rollout: { maxParalel: 2 },
      rebuild: "soon",
      enrolment: { mode: "automatic" },
    },
  });
  assert.deepEqual(keysOf(problems).sort(), [
    "onload-kmm:enrolment.mode",
    "onload-kmm:rebuild",
    "onload-kmm:release.version",
    "onload-kmm:rollout.maxParalel",
  ]);
  assert.ok(
    problems.includes(
      'onload-kmm:rebuild: found "soon", expected a whole number, 0 or more; raise it to force a rebuild [OKMM-CONFIG-VALUE]',
    ),
  );
});

test("secrets in plain text stop the program without being shown", async (t) => {
  const config = { ...(await goodConfig(await filesFor(t))), mokPassword: "hunter2hunter2" };
  const problems = await problemsOf({ config });
  assert.deepEqual(problems, [
    "onload-kmm:mokPassword: found in plain text; set it again with `pulumi config set --secret onload-kmm:mokPassword` [OKMM-CONFIG-PLAINTEXT]",
  ]);
});

test("a stack's name that can't be a label is refused beside the other mistakes", async (t) => {
  const config = { ...(await goodConfig(await filesFor(t))), rebuild: -1 };
  assert.deepEqual(keysOf(await problemsOf({ stack: "prod-", config })), ["onload-kmm:rebuild", "stack"]);
});

test("package, SSH key and cluster are looked at together, and all their problems told in one report", async (t) => {
  const { release } = await filesFor(t);
  const config = {
    ...(await configOf("prod")),
    release: { ...release, version: "9.9.9", sha256: "0".repeat(64) },
    ssh: { privateKeyFile: "no/such/key" },
  };
  const problems = await problemsOf({
    config,
    problems: ["cluster: KMM isn't installed [OKMM-KMM-MISSING]", "cluster: no node x [OKMM-NODE-UNKNOWN]"],
  });
  assert.deepEqual(keysOf(problems), [
    "onload-kmm:release.sha256",
    "onload-kmm:release.version",
    "cluster",
    "cluster",
    "onload-kmm:ssh.privateKeyFile",
  ]);
  assert.match(problems.at(-1) ?? "", /found "no\/such\/key": no such file, expected the file of a private key/);
});

test("an SSH key with a passphrase, or none at all, is told before a node is asked, and not quoted", async (t) => {
  const files = await filesFor(t);
  const { private: locked } = ssh.utils.generateKeyPairSync("ed25519", {
    passphrase: "secret",
    cipher: "aes256-ctr",
    rounds: 1,
  });
  for (const [text, why] of [
    [locked, /found "\S+": it has a passphrase, expected/],
    [
      "no key",
      /found "\S+": it isn't a private key of a kind that servers take, expected the file of a private key without passphrase/,
    ],
  ] as const) {
    await writeFile(files.sshKey, text);
    const [problem = "", ...more] = await problemsOf({ config: await goodConfig(files) });
    assert.match(problem, why);
    assert.ok(!problem.includes(text.split("\n")[1] ?? text));
    assert.deepEqual(more, []);
  }
});

test("a package that isn't there is told by its path", async (t) => {
  const config = await goodConfig(await filesFor(t));
  const release = { ...(config["release"] as object), package: "releases/none.zip" };
  const [problem = "", ...more] = await problemsOf({ config: { ...config, release } });
  assert.match(problem, /^onload-kmm:release\.package: found "releases\/none\.zip": no such file; expected AMD's/);
  assert.deepEqual(more, []);
});

test("a package that was changed is refused before anything is taken out of it", async (t) => {
  const files = await filesFor(t);
  const changed = join(files.sshKey, "../changed.zip");
  // A sound zip still, with a comment of one character.
  const zip = await readFile(files.release.package);
  zip.writeUInt16LE(1, zip.length - 2);
  await writeFile(changed, Buffer.concat([zip, Buffer.from("x")]));
  const config = { ...(await goodConfig(files)), release: { ...files.release, package: changed } };
  assert.deepEqual(keysOf(await problemsOf({ config })), ["onload-kmm:release.sha256"]);
});

test("a tag that would be too long for one node's kernel is told before it is built", async (t) => {
  const config = { ...(await goodConfig(await filesFor(t))), namespace: "n".repeat(34) };
  const names = (config as unknown as { nodes: { name: string }[] }).nodes.map(({ name }) => name);
  const long = "5.14.0-570.49.1.el9_6.bz2212345.test.1.x86_64+rt-debug";
  const kernels = Object.fromEntries(names.map((name, index) => [name, index === 0 ? long : "5.14.0-1.el9.x86_64"]));
  const [problem = "", ...more] = await problemsOf({ config, kernels });
  assert.match(problem, /the image tag for kernel 5\.14\.0-\S+debug has \d+ characters, at most 128 are allowed/);
  assert.deepEqual(more, []);
});

test("the wrong cluster is the only problem that is told of it, and no node is guessed at", async (t) => {
  const config = await goodConfig(await filesFor(t));
  const wrong = 'cluster: wrong cluster: context "admin" leads to another; nothing was changed [OKMM-CLUSTER-WRONG]';
  assert.deepEqual(await problemsOf({ config, problems: [wrong], kernels: {} }), [wrong]);
});
