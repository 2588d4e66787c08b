import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { imageStreamOf, parseImageName } from "../../openshift/imageReference.ts";
import { Registry } from "../../openshift/registry.ts";

const REPOSITORY = "image-registry.openshift-image-registry.svc:5000/ns/name";
const image = (createdBy: string) => ({ createdBy, config: {}, files: { "/a": {} } });

test("pull specs are taken apart as container runtimes do", () => {
  assert.deepEqual(parseImageName(`${REPOSITORY}:t`), { repository: REPOSITORY, tag: "t" });
  assert.deepEqual(parseImageName("host:5000/a/b"), { repository: "host:5000/a/b", tag: "latest" });
  const digest = `sha256:${"a".repeat(64)}`;
  assert.deepEqual(parseImageName(`${REPOSITORY}:t@${digest}`), { repository: REPOSITORY, digest });
  assert.deepEqual(parseImageName(`${REPOSITORY}:${"t".repeat(128)}`)?.tag?.length, 128);
  for (const bad of [
    `${REPOSITORY}:${"t".repeat(129)}`,
    "host/UPPER:t",
    "host/a:",
    "::: not an image",
    "host/a@sha256:12",
  ]) {
    assert.equal(parseImageName(bad), undefined, bad);
  }
  assert.deepEqual(imageStreamOf(REPOSITORY), { namespace: "ns", name: "name" });
  assert.equal(imageStreamOf("quay.io/ns/name"), undefined);
});

test("a tag moves on, its earlier image stays by digest, and goes with the repository", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "registry-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const registry = Registry.open(directory);
  const first = registry.push(`${REPOSITORY}:t`, image("first"));
  const second = registry.push(`${REPOSITORY}:t`, image("second"));
  assert.notEqual(first, second);
  assert.equal(registry.resolve(`${REPOSITORY}:t`)?.createdBy, "second");
  assert.equal(registry.resolve(`${REPOSITORY}@${first}`)?.createdBy, "first");
  assert.equal(registry.resolve(`quay.io/other/name@${first}`), undefined);
  registry.remove(REPOSITORY);
  assert.equal(registry.resolve(`${REPOSITORY}@${second}`), undefined);
  assert.throws(() => registry.push(`${REPOSITORY}@${first}`, image("x")), /not a repository with a tag/);
});

test("a tag alone can be removed", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "registry-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const registry = Registry.open(directory);
  registry.push(`${REPOSITORY}:a`, image("a"));
  registry.push(`${REPOSITORY}:b`, image("b"));
  registry.remove(`${REPOSITORY}:a`);
  assert.deepEqual(
    [registry.resolve(`${REPOSITORY}:a`), registry.resolve(`${REPOSITORY}:b`)?.createdBy],
    [undefined, "b"],
  );
});

test("an earlier sandbox's tags, all in one file, are taken over once", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "registry-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const digest = Registry.open(directory).push(`${REPOSITORY}:a`, image("a"));
  rmSync(join(directory, "registry/tags"), { recursive: true });
  writeFileSync(join(directory, "registry/tags.json"), JSON.stringify({ [REPOSITORY]: { a: digest } }));
  const registry = Registry.open(directory);
  assert.equal(registry.resolve(`${REPOSITORY}:a`)?.createdBy, "a");
  registry.remove(`${REPOSITORY}:a`);
  assert.deepEqual(Registry.open(directory).repositories(), []);
});

test("processes that push at once overwrite nothing of each other's", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "registry-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const pushes = `import { Registry } from ${JSON.stringify(import.meta.resolve("../../openshift/registry.ts"))};
    const [directory, name] = process.argv.slice(1);
    for (let at = 0; at < 200; at += 1)
      Registry.open(directory).push("${REPOSITORY}:" + name + at, { createdBy: name + at, config: {}, files: {} });`;
  const run = promisify(execFile);
  const names = ["a", "b", "c"];
  await Promise.all(
    names.map((name) => run(process.execPath, ["--input-type=module", "-e", pushes, "--", directory, name])),
  );
  const registry = Registry.open(directory);
  assert.equal(Object.keys(registry.tagsOf(REPOSITORY)).length, 600);
  for (const name of names) assert.equal(registry.resolve(`${REPOSITORY}:${name}199`)?.createdBy, `${name}199`);
});
