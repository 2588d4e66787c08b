import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeCluster } from "./fakeCluster.ts";
import {
  kernel,
  image,
  module,
  mic,
  mbsc,
  pushed,
  build,
  shortest,
  follow,
  left,
  tagOf,
  known,
  signed,
  newest,
  node,
  images,
} from "./moduleBuilds.ts";

test("what KMM has signed in this round is remembered by its digest, beside what was before", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(module, mic("t2", "Exists"), signed("t2", "Success"), pushed("t2", "sha256:2"));
  const { code } = await follow(cluster, shortest, known("t1", "sha256:1"));
  assert.equal(code, 0);
  assert.deepEqual(images(cluster).signed, { [tagOf("t1")]: "sha256:1", [tagOf("t2")]: "sha256:2" });
});

test("what a look found of two moments throws nothing away: KMM books the signature while the step reads", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(newest, module, mic("t2", "Exists"), signed("t2", ""), pushed("t2", "sha256:2"));
  const stop = cluster.onCall(() => {
    if (!cluster.commands.some((command) => command.includes("get modulebuildsignconfigs"))) return;
    stop();
    cluster.change("ModuleBuildSignConfig", "onload", (object) => {
      object["status"] = signed("t2", "Success")["status"];
    });
  });
  const { code, stderr } = await follow(cluster);
  assert.equal(code, 0, stderr);
  assert.deepEqual(images(cluster), { tags: [tagOf("t2")], signed: { [tagOf("t2")]: "sha256:2" }, spoilt: [] });
});

for (const [what, given, memory] of [
  ["of whose signature nothing is known", mbsc("t2"), {}],
  ["whose signature failed", signed("t2", "Failure"), {}],
  ["that was pushed over the signed one", mbsc("t2"), known("t2", "sha256:1")],
] as const) {
  test(`an image ${what} is taken away, and KMM made to build it again under the same tag`, async (t) => {
    const cluster = new FakeCluster(t);
    cluster.put(module, mic("t2", "Exists"), given, pushed("t2", "sha256:2"));
    const { code, stderr } = await follow(cluster, shortest, memory);
    assert.equal(code, 1);
    assert.match(stderr, /another build: the registry holds an image for 5\.14\S+ without a known signature/);
    assert.deepEqual(left(cluster), { mic: false, mbsc: false, touched: true });
    assert.deepEqual([images(cluster).tags, images(cluster).spoilt], [[], null]);
  });

  test(`an image ${what}, where KMM signs in place: its tag is never used again`, async (t) => {
    const cluster = new FakeCluster(t);
    cluster.put(newest, node, module, mic("t2", "Exists"), given, pushed("t2", "sha256:2"));
    const { code, stderr } = await follow(cluster, shortest, memory);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /its tag isn't used again\. No node was touched; run `pulumi up` again, which builds it under a new tag/,
    );
    assert.deepEqual(left(cluster), { mic: false, mbsc: false, touched: false });
    assert.deepEqual([images(cluster).tags, images(cluster).spoilt], [[], ["t2"]]);
  });
}

test("images that are there are the answer, by digest, and no round is left to inherit from", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(module, mic("t2", "Exists"), mbsc("t2"), pushed("t2", "sha256:2"));
  const { code, stdout } = await follow(cluster, shortest, known("t2", "sha256:2"));
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), {
    version: "v2",
    images: [{ kernel, image: image("t2"), digest: "sha256:2" }],
  });
  assert.deepEqual(left(cluster), { mic: true, mbsc: false, touched: false });
});

test("a round with another tag in it is ended, before its build is taken for this one's", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(module, mic("t2", "NeedsBuilding"), mbsc("t1", "t2"));
  const { code, stderr } = await follow(cluster);
  assert.equal(code, 1);
  assert.match(stderr, /images: a fresh look: KMM still works on another tag, t1-/);
  assert.deepEqual(left(cluster), { mic: false, mbsc: false, touched: true });
});

test("a build that KMM begins while the old round is ended is cancelled with it, which is no failure: another is begun", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(module, mic("t2", "NeedsBuilding"), mbsc("t1", "t2"));
  const quick = build("onload-build-5-14", "BuildImage");
  const begins = cluster.onCall(() => {
    if (!cluster.commands.some((command) => command.includes("delete modulebuildsignconfigs"))) return;
    begins();
    cluster.put(mic("t2", "NeedsBuilding"), mbsc("t2"), quick);
  });
  const ends = cluster.onCall(() => {
    if (!cluster.commands.some((command) => command.startsWith("patch builds"))) return;
    ends();
    cluster.change("Build", quick.metadata.name, (found) => (found["status"] = { phase: "Cancelled" }));
  });
  const run = follow(cluster, 1);
  await cluster.called("delete modulebuildsignconfigs", 2);
  await cluster.called("get modulebuildsignconfigs", 3);
  assert.equal(left(cluster).mbsc, false);
  cluster.put(signed("t2", "Success"), pushed("t2", "sha256:2"));
  cluster.change("ModuleImagesConfig", "onload", (object) => (object["status"] = mic("t2", "Exists")["status"]));
  const { code, stderr } = await run;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /cancelling Build onload-build-5-14\n[^]*a fresh round: an earlier round failed\n/);
});

test("an image that KMM believes in and nobody pushed is forgotten, and KMM made to look again", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(module, mic("t2", "Exists"), mbsc("t1", "t2"), pushed("t1", "sha256:1"));
  const { code, stderr } = await follow(cluster);
  assert.equal(code, 1);
  assert.match(stderr, /a fresh look: KMM reports an image for 5\.14.* that the registry doesn't hold/);
  assert.deepEqual(left(cluster), { mic: false, mbsc: false, touched: true });
});

test("an image that KMM believes in however often it looks ends the run with the remedy", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(module, pushed("t1", "sha256:1"));
  cluster.onCall(() => {
    if (cluster.find("ModuleImagesConfig", "onload") === undefined) cluster.put(mic("t2", "Exists"));
  });
  const { code, stderr } = await follow(cluster, 1);
  assert.equal(code, 1);
  assert.match(stderr, /doesn't hold, however often it looks: .* raise onload-kmm:rebuild/);
});

test("time that is up is told with what was still missing, and where to look", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(module);
  const { code, stdout, stderr } = await follow(cluster);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /timed out after 6 s waiting for the kernel modules' images: KMM to list the image for 5\.14\S+; look at `kubectl -n ns get builds,pods,events`/,
  );
});

for (const [type, verb, kept, id] of [
  ["BuildImage", "building", true, "OKMM-BUILD-FAILED"],
  ["SignImage", "signing", false, "OKMM-BUILD-SIGN"],
] as const) {
  test(`${verb} that fails ends the run with its log's end${kept ? "" : ", and KMM's endless rounds with it"}`, async (t) => {
    const cluster = new FakeCluster(t);
    cluster.put(module, mic("t2", "NeedsBuilding"), mbsc("t2"), build("onload-x", type));
    cluster.answerRaw("log", "make: *** [sfc.ko] Error 2\n");
    const run = follow(cluster, 1);
    // Once it was seen running, its failure is this run's.
    await cluster.called("/builds/onload-x/log");
    cluster.change(
      "Build",
      "onload-x",
      (found) => (found["status"] = { phase: "Failed", reason: "GenericBuildFailed" }),
    );
    const { code, stderr } = await run;
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(
        `${verb} the kernel modules for 5\\.14\\S+ failed \\(Build onload-x: Failed: GenericBuildFailed\\)\\. Its log, `,
      ),
    );
    const end =
      "make: *** [sfc.ko] Error 2\nNo node was touched. Fix the cause and run `pulumi up` again " +
      `[${id}]\nsee docs/runbook.md#${id.toLowerCase()}\n`;
    assert.ok(stderr.endsWith(end), stderr);
    assert.deepEqual(left(cluster), { mic: kept, mbsc: kept, touched: false });
  });
}

/** Follows a signature that fails while KMM's next build is in `phase`. */
async function failSigning(cluster: FakeCluster, phase: string, memory?: Record<string, string>) {
  cluster.put(module, mic("t2", "NeedsSigning"), mbsc("t2"), pushed("t2", "sha256:2"));
  const next = { ...build("onload-build-5-14", "BuildImage"), status: { phase } };
  cluster.put(build("onload-sign-5-14", "SignImage"), next);
  cluster.answerRaw("log", "sign-file: failed\n");
  const run = follow(cluster, 1, memory);
  await cluster.called("/builds/onload-sign-5-14/log");
  cluster.change("Build", "onload-sign-5-14", (found) => (found["status"] = { phase: "Failed" }));
  const { code, stderr } = await run;
  assert.equal(code, 1);
  assert.match(stderr, /signing the kernel modules for 5\.14\S+ failed/);
  return stderr;
}

for (const phase of ["Running", "Complete"]) {
  test(`signing that fails in place takes the unsigned image away, and ends what is ${phase}`, async (t) => {
    const cluster = new FakeCluster(t);
    cluster.put(newest, node);
    await failSigning(cluster, phase, known("t1", "sha256:1"));
    assert.deepEqual(left(cluster), { mic: false, mbsc: false, touched: false });
    const after = images(cluster);
    assert.deepEqual([after.tags, after.spoilt, after.signed], [[], ["t2"], { [tagOf("t1")]: "sha256:1" }]);
    const cancelled = cluster.commands.filter((command) => /^patch builds\S+ onload-build-5-14 /.test(command));
    assert.equal(cancelled.length, phase === "Running" ? 1 : 0);
  });
}

test("signing that fails in place for a kernel that no node runs: the image goes, and its tag stays in use", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(newest);
  await failSigning(cluster, "Complete");
  assert.deepEqual([images(cluster).tags, images(cluster).spoilt], [[], null]);
});

test("the same where a node boots that kernel in this moment: it may have pulled the image", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(newest);
  const stop = cluster.onCall(() => {
    if (!cluster.commands.some((command) => command.startsWith("delete --raw"))) return;
    stop();
    cluster.put(node);
  });
  await failSigning(cluster, "Complete");
  assert.deepEqual([images(cluster).tags, images(cluster).spoilt], [[], ["t2"]]);
});

test("a round that KMM begins once more in that moment is ended, too", async (t) => {
  const cluster = new FakeCluster(t);
  const stop = cluster.onCall(() => {
    if (!cluster.commands.some((command) => command.includes("patch builds"))) return;
    stop();
    cluster.put(mic("t2", "NeedsBuilding"), mbsc("t2"));
  });
  const said = await failSigning(cluster, "Running");
  assert.deepEqual(left(cluster), { mic: false, mbsc: false, touched: false });
  assert.match(said, /No node was touched\. Fix the cause/);
});

for (const [refusal, told] of [
  ['(NotFound): builds.build.openshift.io "onload-build-5-14" not found', "No node was touched. Fix the cause"],
  [
    "(Forbidden): builds is forbidden",
    "No node was touched, but KMM keeps trying: it could not be stopped (kubectl patch",
  ],
] as const) {
  test(`signing that fails is told, whatever comes of ending the rest: ${refusal}`, async (t) => {
    const cluster = new FakeCluster(t);
    cluster.fail("patch builds", `Error from server ${refusal}`);
    const said = await failSigning(cluster, "Running");
    assert.ok(said.includes(told), said);
  });
}

/** Follows a signature that fails; in its middle KMM is upgraded to one that signs in place. */
async function upgradedWhileSigning(cluster: FakeCluster) {
  cluster.put(module, mic("t2", "NeedsSigning"), mbsc("t2"), pushed("t2", "sha256:2"));
  cluster.put(build("onload-sign-5-14", "SignImage"));
  cluster.answerRaw("log", "sign-file: failed\n");
  const run = follow(cluster, 1);
  await cluster.called("/builds/onload-sign-5-14/log");
  cluster.put(newest, node);
  cluster.change("Build", "onload-sign-5-14", (found) => (found["status"] = { phase: "Failed" }));
  await cluster.called("annotate modules");
  return { run };
}

test("a signature that fails in a round over which KMM was upgraded doesn't count: KMM begins afresh", async (t) => {
  const cluster = new FakeCluster(t);
  const { run } = await upgradedWhileSigning(cluster);
  assert.deepEqual(left(cluster), { mic: false, mbsc: false, touched: true });
  cluster.put(mic("t2", "Exists"), signed("t2", "Success"));
  const { code, stderr } = await run;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /a fresh round: KMM was upgraded in this one/);
});

test("a signature that fails after that does, and its tag is spoilt where KMM signs in place by now", async (t) => {
  const cluster = new FakeCluster(t);
  const { run } = await upgradedWhileSigning(cluster);
  cluster.put(mic("t2", "NeedsSigning"), mbsc("t2"));
  cluster.change("Build", "onload-sign-5-14", ({ metadata }) => (metadata.uid = "second"));
  const { code, stderr } = await run;
  assert.equal(code, 1);
  assert.match(stderr, /signing the kernel modules for 5\.14\S+ failed/);
  assert.deepEqual([images(cluster).tags, images(cluster).spoilt], [[], ["t2"]]);
});

test("on another cluster nothing is deleted", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(module, mic("t2", "Exists"), mbsc("t1"));
  cluster.change("Namespace", "kube-system", (found) => (found.metadata.uid = "another"));
  const { code, stderr } = await follow(cluster);
  assert.equal(code, 1);
  assert.match(stderr, /^wrong cluster/);
  assert.deepEqual(left(cluster), { mic: true, mbsc: true, touched: false });
});
