import assert from "node:assert/strict";
import { test } from "node:test";
import { SrpmImage, type SrpmImageArgs } from "../../components/srpmImage.ts";
import { inputOf, ownsOnStack, valueOf } from "./fixtures.ts";
import { named, record, type RecordOptions, type Registration } from "./harness.ts";

const args: SrpmImageArgs = {
  ...ownsOnStack,
  namespace: "onload-kmm",
  release: { package: "releases/onload.zip", sha256: "a".repeat(64), version: "9.0.2.140" },
  srpmSha256: "b".repeat(64),
  dockerfile: { path: "assets/srpm.Dockerfile", text: "FROM scratch" },
  scripts: [
    { path: "assets/build-kmod.sh", text: "make" },
    { path: "assets/entitled-packages.sh", text: "dnf" },
  ],
  logDirectory: "logs/dev",
};
const register = (change: Partial<SrpmImageArgs> = {}, options?: RecordOptions): Promise<Registration[]> =>
  record(() => new SrpmImage("source", { ...args, ...change }, {}), { outputs, ...options });
const outputs: NonNullable<RecordOptions["outputs"]> = ({ name, inputs }) =>
  "metadata" in inputs
    ? { metadata: { ...(inputs["metadata"] as object), uid: `uid-${name}` } }
    : { stdout: '{"image":"registry/onload-srpm@sha256:1"}' };

const outputTag = (all: Registration[]): string =>
  (named(all, "source-build").inputs["spec"] as { output: { to: { name: string } } }).output.to.name;

test("the ImageStream is there before builds push to it, and pods of the namespace may name it", async () => {
  const all = await register();
  const { inputs } = named(all, "source", ":ImageStream");
  assert.equal(inputs["apiVersion"], "image.openshift.io/v1");
  assert.deepEqual(inputs["spec"], { lookupPolicy: { local: true } });
  assert.deepEqual(named(all, "source-build").dependencies, ["source"]);
});

test("the BuildConfig takes an uploaded context and pushes to a tag of its content", async () => {
  const all = await register();
  const { inputs, type } = named(all, "source-build");
  assert.equal(type, "kubernetes:build.openshift.io/v1:BuildConfig");
  const { output, ...spec } = inputs["spec"] as Record<string, unknown>;
  assert.deepEqual(spec, { source: { type: "Binary", binary: {} }, strategy: { type: "Docker", dockerStrategy: {} } });
  assert.match(outputTag(all), /^onload-srpm:9\.0\.2\.140-[0-9a-f]{12}$/);
  assert.equal((output as { to: { kind: string } }).to.kind, "ImageStreamTag");
});

test("the upload waits for its BuildConfig, and is told all that it needs by relative paths", async () => {
  const all = await register();
  assert.deepEqual(named(all, "source-upload").dependencies, ["source", "source-build"]);
  assert.deepEqual(inputOf(all, "source-upload"), {
    cluster: ownsOnStack.cluster,
    namespace: "onload-kmm",
    selector: "openshift.io/build-config.name=onload-srpm",
    release: args.release,
    tag: outputTag(all).split(":")[1],
    stream: "uid-source",
    dockerfile: "assets/srpm.Dockerfile",
    files: ["assets/build-kmod.sh", "assets/entitled-packages.sh"],
    logDirectory: "logs/dev",
  });
});

test("builds that still run are cancelled when the image goes", async () => {
  const { inputs } = named(await register(), "source-upload");
  assert.match(String(inputs["create"]), /steps\/uploadSrpm\.ts$/);
  assert.match(String(inputs["delete"]), /steps\/cancelBuilds\.ts$/);
});

const changes: Record<string, Partial<SrpmImageArgs>> = {
  "source RPM": { srpmSha256: "c".repeat(64) },
  Dockerfile: { dockerfile: { path: "assets/srpm.Dockerfile", text: "FROM scratch\n" } },
  "build script": {
    scripts: [{ path: "assets/build-kmod.sh", text: "make -j" }, ...args.scripts.slice(1)],
  },
};
for (const [what, change] of Object.entries(changes)) {
  test(`another ${what} is another tag, and so another upload`, async () => {
    const [before, after] = [await register(), await register(change)];
    assert.notEqual(outputTag(before), outputTag(after));
    assert.notDeepEqual(inputOf(before, "source-upload"), inputOf(after, "source-upload"));
  });
}

test("another zip around the same source RPM is no other tag", async () => {
  const release = { ...args.release, sha256: "d".repeat(64) };
  assert.equal(outputTag(await register({ release })), outputTag(await register()));
});

test("the image is the one that the upload answers, by digest", async () => {
  let image: SrpmImage | undefined;
  const answer = JSON.stringify({ image: "registry/onload-kmm/onload-srpm@sha256:1" });
  await record(() => (image = new SrpmImage("source", args, {})), { outputs: () => ({ stdout: answer }) });
  assert.equal(await valueOf((image ?? assert.fail()).image), "registry/onload-kmm/onload-srpm@sha256:1");
});

test("a preview shows the upload before there is any image", async () => {
  const all = await register({}, { preview: true, outputs: () => ({}) });
  assert.deepEqual(
    all.map(({ name, type }) => `${name} ${type}`),
    [
      "source onload-kmm:index:SrpmImage",
      "source kubernetes:image.openshift.io/v1:ImageStream",
      "source-build kubernetes:build.openshift.io/v1:BuildConfig",
      "source-guard command:local:Command",
      "source-upload command:local:Command",
    ],
  );
});

test("with a registry of one's own the image goes there, by its Secret, and no ImageStream is made", async () => {
  const registry = { repository: "registry.example.com:5000/team/onload", secret: "onload-registry" };
  const all = await register({ registry });
  assert.deepEqual(
    all.filter(({ type }) => type.endsWith(":ImageStream")),
    [],
  );
  const { tag } = inputOf(all, "source-upload") as { tag: string };
  assert.deepEqual((named(all, "source-build").inputs["spec"] as { output: object }).output, {
    to: { kind: "DockerImage", name: `${registry.repository}:source-${tag}` },
    pushSecret: { name: "onload-registry" },
  });
  const { stream, repository } = inputOf(all, "source-upload") as { stream?: string; repository?: string };
  assert.deepEqual([stream, repository], [undefined, registry.repository]);
});
