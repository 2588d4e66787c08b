/** One round for two kernels, one signed and the other's signature failing: what KMM has told of the first stays known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeCluster, type Given } from "./fakeCluster.ts";
import {
  build,
  follow,
  image,
  images,
  kernel,
  mbsc,
  mic,
  module,
  newest,
  node,
  pushed,
  tagOf,
} from "./moduleBuilds.ts";

const next = "5.14.0-2.el9.x86_64";
const forNext = (name: string): string => name.replace(kernel, next);
const [first, second] = [image("t2"), forNext(image("t2"))];
const [firstTag, secondTag] = [tagOf("t2"), forNext(tagOf("t2"))];
const wanted = [
  { kernel, image: first },
  { kernel: next, image: second },
];

const listed = (firstState: string, secondState: string): Given => ({
  ...mic("t2", firstState),
  spec: { images: wanted },
  status: {
    imagesStates: [
      { image: first, status: firstState },
      { image: second, status: secondState },
    ],
  },
});
const signs = (...done: string[]): Given => ({
  ...mbsc("t2"),
  spec: { images: wanted },
  status: { images: done.map((each) => ({ image: each, action: "SignImage", status: "Success" })) },
});
const holds = (digests: Readonly<Record<string, string>>): Given => ({
  ...pushed("t2", ""),
  status: { tags: Object.entries(digests).map(([tag, digest]) => ({ tag, items: [{ image: digest }] })) },
});
const failing = (phase: string): Given => {
  const { metadata, ...rest } = build("onload-sign-5-14", "SignImage");
  const labels = { ...metadata.labels, "kmm.node.kubernetes.io/target-kernel": next };
  return { ...rest, metadata: { ...metadata, labels }, status: { phase } };
};

test("an earlier round's failure takes the round, and not what it has signed", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(newest, node, module, listed("Exists", "DoesNotExist"), signs(first), failing("Failed"));
  cluster.put(holds({ [firstTag]: "sha256:1", [secondTag]: "sha256:unsigned" }));
  const run = follow(cluster, 1, {}, wanted);
  await cluster.called("delete modulebuildsignconfigs");
  cluster.change("Build", "onload-sign-5-14", ({ metadata }) => (metadata["ownerReferences"] = []));
  cluster.put(signs(second));
  cluster.change("ImageStream", "onload-kmod", (found) => {
    found["status"] = holds({ [firstTag]: "sha256:1", [secondTag]: "sha256:2" })["status"];
  });
  cluster.change("ModuleImagesConfig", "onload", (found) => {
    found["status"] = listed("Exists", "Exists")["status"];
  });
  const { code, stderr } = await run;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /a fresh round: an earlier round failed/);
  const { signed, spoilt } = images(cluster);
  assert.deepEqual({ signed, spoilt }, { signed: { [firstTag]: "sha256:1", [secondTag]: "sha256:2" }, spoilt: [] });
});

test("a signature that fails in place takes its own image away, and not the signed one", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put(newest, node, module, listed("Exists", "NeedsSigning"), signs(first), failing("Running"));
  cluster.put(holds({ [firstTag]: "sha256:1", [secondTag]: "sha256:unsigned" }));
  cluster.answerRaw("log", "sign-file: failed\n");
  const run = follow(cluster, 1, {}, wanted);
  await cluster.called("/builds/onload-sign-5-14/log");
  cluster.change("Build", "onload-sign-5-14", (found) => (found["status"] = { phase: "Failed" }));
  const { code, stderr } = await run;
  assert.equal(code, 1);
  assert.match(stderr, /signing the kernel modules for 5\.14\.0-2\S+ failed/);
  assert.deepEqual(images(cluster), { tags: [firstTag], signed: { [firstTag]: "sha256:1" }, spoilt: [] });
});
