import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { makeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { FakeCluster, type Given } from "./fakeCluster.ts";

const tag = "0.9.0.1-0123456789ab";
const image = (digest: string): string =>
  JSON.stringify({ image: `image-registry.openshift-image-registry.svc:5000/ns/onload-srpm@${digest}` });

const stream = (pushedTag: string, ...digests: string[]): Given => ({
  kind: "ImageStream",
  metadata: { name: "onload-srpm", namespace: "ns" },
  status: { tags: [{ tag: pushedTag, items: digests.map((digest) => ({ image: digest })) }] },
});
const build = (name: string, phase: string, ofTag = tag, status = {}): Given => ({
  kind: "Build",
  metadata: { name, namespace: "ns", labels: { "openshift.io/build-config.name": "onload-srpm" } },
  spec: { output: { to: { name: `onload-srpm:${ofTag}` } } },
  status: { phase, ...status },
});
const complete = { output: { to: { imageDigest: "sha256:2" } } };

async function upload(cluster: FakeCluster, change: object = {}) {
  const release = await makeRelease(cluster.directory);
  return cluster.step("uploadSrpm", {
    cluster: cluster.access,
    namespace: "ns",
    release,
    tag,
    stream: "uid-onload-srpm",
    dockerfile: "assets/srpm.Dockerfile",
    files: ["assets/build-kmod.sh"],
    logDirectory: join(cluster.directory, "logs"),
    ...change,
  });
}

const uploads = (cluster: FakeCluster) => cluster.calls.filter(({ argv }) => argv.includes("create"));

test("an image that is there already isn't built again: its newest digest is the answer", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(stream(tag, "sha256:2", "sha256:1"));
  const { code, stdout } = await upload(cluster);
  assert.deepEqual([code, stdout], [0, image("sha256:2")]);
  assert.deepEqual(uploads(cluster), []);
});

test("another tag's image is none of ours: the context is uploaded, with executable scripts", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(stream("another", "sha256:1"), build("onload-srpm-1", "Complete", tag, complete));
  cluster.answerRaw("instantiatebinary", JSON.stringify({ metadata: { name: "onload-srpm-1" } }));
  cluster.answerRaw("log", "STEP 1\nPushed\n");
  const { code, stdout, stderr } = await upload(cluster);
  assert.deepEqual([code, stdout], [0, image("sha256:2")], stderr);
  const [call, ...more] = uploads(cluster);
  assert.deepEqual(more, []);
  assert.match(
    call?.argv.join(" ") ?? "",
    /create --raw \/apis\/build\.openshift\.io\/v1\/namespaces\/ns\/buildconfigs\/onload-srpm\/instantiatebinary\?revision\.commit=0\.9\.0\.1-0123456789ab -f -$/,
  );
  const entries = await entriesOf(call?.stdin ?? "");
  assert.deepEqual(
    entries.map(({ name, mode }) => [name, mode]),
    [
      ["onload-0.9.0.1-1.src.rpm", 0o644],
      ["Dockerfile", 0o644],
      ["build-kmod.sh", 0o755],
    ],
  );
  const [srpm, dockerfile] = entries.map(({ content }) => content);
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  assert.equal(
    dockerfile?.toString(),
    `${readFileSync("assets/srpm.Dockerfile", "utf8")}LABEL org.opencontainers.image.title="onload-0.9.0.1-1.src.rpm" ` +
      `org.opencontainers.image.version="0.9.0.1" onload-kmm.io/srpm-sha256="${hash("sha256", srpm ?? "")}" ` +
      `onload-kmm.io/program-version="${version}"\n`,
  );
  assert.equal(readFileSync(join(cluster.directory, "logs/onload-srpm-1-uid-onlo.log"), "utf8"), "STEP 1\nPushed\n");
});

/** What is in an uploaded tar.gz. */
async function entriesOf(latin1: string): Promise<{ name: string; mode: number | undefined; content: Buffer }[]> {
  const archive = extract();
  archive.end(gunzipSync(Buffer.from(latin1, "latin1")));
  const entries: { name: string; mode: number | undefined; content: Buffer }[] = [];
  for await (const entry of archive) {
    entries.push({ name: entry.header.name, mode: entry.header.mode, content: await buffer(entry) });
  }
  return entries;
}

test("a build that an interrupted run left going is followed, and none started beside it", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(build("onload-srpm-3", "Running", "another"), build("onload-srpm-4", "Running"));
  cluster.answerRaw("log", "");
  const running = upload(cluster);
  await cluster.called("builds/onload-srpm-4/log");
  cluster.change("Build", "onload-srpm-4", (found) => (found["status"] = { phase: "Complete", ...complete }));
  const { code, stdout, stderr } = await running;
  assert.deepEqual([code, stdout], [0, image("sha256:2")], stderr);
  assert.deepEqual(uploads(cluster), []);
});

test("a build that fails says why, where its log is, and how that ends", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(build("onload-srpm-1", "Failed", tag, { reason: "DockerBuildFailed", message: "exit status 1" }));
  cluster.answerRaw("instantiatebinary", JSON.stringify({ metadata: { name: "onload-srpm-1" } }));
  cluster.answerRaw("log", `${"line\n".repeat(30)}error: no space left on device\n`);
  const { code, stdout, stderr } = await upload(cluster);
  assert.deepEqual([code, stdout], [1, ""]);
  const message = stderr.slice(stderr.indexOf("building the source image failed"));
  assert.match(
    message,
    /\(Build onload-srpm-1: Failed: DockerBuildFailed: exit status 1\)\. Its log, \S+\/onload-srpm-1-uid-onlo\.log, ends/,
  );
  assert.match(
    message,
    /error: no space left on device\nFix the cause and run `pulumi up` again \[OKMM-SOURCE-FAILED\]\nsee docs\/runbook\.md#okmm-source-failed\n$/,
  );
  assert.equal(message.match(/^line$/gm)?.length, 19);
});

const unscheduled = "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available";
const waitingPod: Given = {
  kind: "Pod",
  metadata: { name: "onload-srpm-1-build", namespace: "ns" },
  status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", message: unscheduled }] },
};

/** OpenShift makes this Build once it is asked for one, and answers only when it runs. */
function makesOnUpload(cluster: FakeCluster, ...made: Given[]): void {
  const stop = cluster.onCall(() => {
    if (uploads(cluster).length === 0) return;
    stop();
    cluster.put(...made);
  });
}

const policy = (timeoutMinutes: number): Given => ({
  kind: "Namespace",
  metadata: { name: "ns", annotations: { "policy.onload-kmm.io/build.timeoutMinutes": String(timeoutMinutes) } },
});

test("a build that isn't started is looked into while its upload waits, given its own time, and cancelled", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(policy(0.2), build("onload-srpm-0", "Pending", "another"));
  cluster.hold("instantiatebinary");
  makesOnUpload(cluster, build("onload-srpm-1", "Pending"), waitingPod);
  const { code, stderr } = await upload(cluster);
  assert.equal(code, 1);
  const named = `onload-srpm-1 Pending (no node takes its pod: ${unscheduled})`;
  assert.ok(stderr.includes(`waiting for the source image: ${named}\n`), stderr);
  assert.ok(stderr.includes(`timed out after 12 s waiting for the source image: ${named}; look at`), stderr);
  for (const name of ["onload-srpm-0", "onload-srpm-1"]) {
    assert.equal((cluster.find("Build", name)?.["status"] as { cancelled?: boolean }).cancelled, true, name);
  }
});

test("OpenShift's own time for a start may be over before ours: it is asked again", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(policy(1));
  cluster.fail(
    "instantiatebinary",
    "Error from server (Timeout): Timeout: timed out waiting for build onload-srpm-1 to start after 5m0s",
  );
  cluster.answerRaw("instantiatebinary", JSON.stringify({ metadata: { name: "onload-srpm-2" } }));
  cluster.answerRaw("log", "");
  const stop = cluster.onCall(() => {
    if (uploads(cluster).length < 2) return;
    stop();
    cluster.put(build("onload-srpm-2", "Complete", tag, complete));
  });
  const { code, stdout, stderr } = await upload(cluster);
  assert.deepEqual([code, stdout], [0, image("sha256:2")], stderr);
  assert.equal(uploads(cluster).length, 2);
});

test("an upload that OpenShift refuses is told with the way on, once", async (t) => {
  const cluster = new FakeCluster(t);
  const refusal = 'Error from server (Forbidden): buildconfigs.build.openshift.io "onload-srpm" is forbidden: no';
  cluster.fail("instantiatebinary", refusal, 9);
  const { code, stderr } = await upload(cluster);
  assert.equal(code, 1);
  assert.match(stderr, /the source build could not be started: .*is forbidden: no; look at `kubectl -n ns get builds,/);
  assert.equal(uploads(cluster).length, 1);
});

test("a package that changed since the preview is not uploaded", async (t) => {
  const cluster = new FakeCluster(t);
  const release = { ...(await makeRelease(cluster.directory)), sha256: "0".repeat(64) };
  const { code, stderr } = await upload(cluster, { release });
  assert.equal(code, 1);
  assert.match(stderr, /^onload-kmm:release\.sha256: found/);
  assert.deepEqual(uploads(cluster), []);
});

test("a build that somebody deletes while it runs is told", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.answerRaw("instantiatebinary", JSON.stringify({ metadata: { name: "onload-srpm-1" } }));
  const { code, stderr } = await upload(cluster);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /Build onload-srpm-1 was deleted while it ran; run `pulumi up` again \[OKMM-SOURCE-DELETED\]\nsee docs\/runbook\.md#okmm-source-deleted\n$/,
  );
});
