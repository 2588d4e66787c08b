import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { judgeBuild, type BuildView } from "../../../core/build/moduleBuild.ts";
import { build, image, leaving, mbsc, mic, realTime, tag, view, want } from "./buildView.ts";

interface Row {
  /** What KMM did: continues "when …". */
  readonly when: string;
  readonly view: BuildView;
  readonly kind: ReturnType<typeof judgeBuild>["kind"];
  readonly says?: RegExp;
}

const goodPath: Row[] = [
  { when: "KMM hasn't seen the Module", view: view({}), kind: "unseen", says: /KMM to list the image for 5\.14/ },
  {
    when: "KMM lists the old tag only",
    view: view({ mic: mic({ [image("t1")]: "Exists" }), pushed: { [tag(image("t1"))]: "sha256:1" } }),
    kind: "unseen",
  },
  {
    when: "one of two kernels isn't listed",
    view: view({
      wanted: [want("t2"), want("t2", realTime)],
      mic: mic({ [image("t2")]: "Exists" }),
      pushed: { [tag(image("t2"))]: "sha256:2" },
    }),
    kind: "unseen",
    says: /\+rt$/,
  },
  {
    when: "the MIC is being deleted",
    view: view({ mic: mic({ [image("t2")]: "Exists" }, { deletionTimestamp: "2026-01-31T12:00:00Z" }) }),
    kind: "unseen",
  },
  {
    when: "the pull pod looks for the image",
    view: view({ mic: mic({ [image("t2")]: undefined }) }),
    kind: "wait",
    says: /look for the image/,
  },
  {
    when: "the build has no Build object yet",
    view: view({ mic: mic({ [image("t2")]: "NeedsBuilding" }), mbsc: mbsc([image("t2")]) }),
    kind: "wait",
    says: /start the next build/,
  },
  {
    when: "builds run",
    view: view({
      wanted: [want("t2"), want("t2", realTime)],
      mic: mic({ [image("t2")]: "NeedsBuilding", [image("t2", realTime)]: "NeedsSigning" }),
      mbsc: mbsc([image("t2"), image("t2", realTime)]),
      builds: [build("onload-sign-b", "Running", { kernel: realTime }), build("onload-build-a")],
    }),
    kind: "wait",
    says: /^onload-build-a New, onload-sign-b Running$/,
  },
  {
    when: "the image was built and waits for its signature",
    view: view({ mic: mic({ [image("t2")]: "NeedsSigning" }), mbsc: mbsc([image("t2")]) }),
    kind: "wait",
  },
  {
    when: "every image is there and was pushed",
    view: view({ mic: mic({ [image("t2")]: "Exists" }), pushed: { [tag(image("t2"))]: "sha256:2" } }),
    kind: "built",
  },
];

const surprises: Row[] = [
  {
    when: "a signing fails, before KMM answers it with the next of endless builds (1)",
    view: view({
      mic: mic({ [image("t2")]: "DoesNotExist" }),
      mbsc: mbsc([image("t2")]),
      builds: [build("onload-build-b", "Running"), build("onload-sign-a", "Failed")],
    }),
    kind: "failed",
    says: /onload-sign-a/,
  },
  {
    when: "KMM builds the first failed tag again, with the fixed Dockerfile (2a)",
    view: view({
      mic: mic({ [image("t2")]: "NeedsBuilding" }),
      mbsc: mbsc([image("t1"), image("t2")]),
      builds: [build("onload-build-b", "Running")],
    }),
    kind: "forget",
    says: /t1-5\.14/,
  },
  {
    when: "a new tag inherits an earlier one's failure without a build (2)",
    view: view({
      mic: mic({ [image("t2")]: "DoesNotExist" }),
      mbsc: mbsc([image("t1"), image("t2")]),
      builds: [build("onload-build-a", "Failed")],
      oldFailures: new Set(["uid-onload-build-a"]),
    }),
    kind: "forget",
  },
  {
    when: "KMM takes the old tag's running build for the new one (2b)",
    view: view({
      mic: mic({ [image("t2")]: "NeedsBuilding" }),
      mbsc: mbsc([image("t1"), image("t2")]),
      builds: [build("onload-build-a", "Running")],
    }),
    kind: "forget",
  },
  {
    when: "KMM has taken the old tag's finished build for the new one, and would sign what was never built (2b)",
    view: view({
      mic: mic({ [image("t2")]: "NeedsSigning" }),
      mbsc: mbsc([image("t1"), image("t2")]),
    }),
    kind: "forget",
    says: /still works on another tag, t1-5\.14/,
  },
  {
    when: "KMM reports Exists for an image that was never pushed (2b)",
    view: view({
      mic: mic({ [image("t2")]: "Exists" }),
      mbsc: mbsc([image("t1"), image("t2")]),
      pushed: { [tag(image("t1"))]: "sha256:1" },
    }),
    kind: "forget",
    says: /5\.14\.0-1\.el9\.x86_64 that the registry doesn't hold/,
  },
  {
    when: "KMM signs the old tag again because the new one's signing failed (2c)",
    view: view({
      mic: mic({ [image("t2")]: "DoesNotExist" }),
      mbsc: mbsc([image("t1"), image("t2")]),
      builds: [build("onload-sign-c", "Running")],
      pushed: { [tag(image("t1"))]: "sha256:1" },
    }),
    kind: "forget",
  },
  {
    when: "KMM has taken up a round that a deleted MIC left behind",
    view: view({
      mic: mic({ [image("t2")]: "NeedsBuilding" }),
      mbsc: mbsc([image("t2")], { ownerReferences: [{ uid: "look-0" }] }),
      builds: [build("onload-sign-a", "Failed")],
    }),
    kind: "startAfresh",
    says: /old round/,
  },
  {
    when: "the MBSC is on its way out (3)",
    view: view({
      mic: mic({ [image("t2")]: "NeedsBuilding" }),
      mbsc: mbsc([image("t1"), image("t2")], { deletionTimestamp: "2026-01-31T12:00:00Z" }),
      builds: [build("onload-build-a", "Failed")],
    }),
    kind: "wait",
    says: /forget the last round/,
  },
  {
    when: "a Build of the last round is left, running or failed (3)",
    view: view({
      mic: mic({ [image("t2")]: "NeedsBuilding" }),
      mbsc: mbsc([image("t2")]),
      builds: [
        build("onload-build-a", "Failed", { owner: "round-1" }),
        build("onload-build-b", "Running", { owner: "round-1" }),
      ],
    }),
    kind: "wait",
    says: /start the next build/,
  },
  {
    when: "the image was pruned, and Exists sticks (8)",
    view: view({ mic: mic({ [image("t2")]: "Exists" }) }),
    kind: "forget",
  },
  {
    when: "the image was pruned for one of two kernels, while the other is built",
    view: view({
      wanted: [want("t2"), want("t2", realTime)],
      mic: mic({ [image("t2")]: "NeedsBuilding", [image("t2", realTime)]: "Exists" }),
      mbsc: mbsc([image("t2")]),
    }),
    kind: "forget",
    says: /\+rt that/,
  },
];

const resumption: Row[] = [
  {
    when: "the build failed before this run, with the same inputs",
    view: view({
      mic: mic({ [image("t2")]: "DoesNotExist" }),
      mbsc: mbsc([image("t2")]),
      builds: [build("onload-build-a", "Failed")],
      oldFailures: new Set(["uid-onload-build-a"]),
    }),
    kind: "startAfresh",
    says: /an earlier round failed/,
  },
  {
    when: "a build fails in this run beside one that failed before it",
    view: view({
      mic: mic({ [image("t2")]: "DoesNotExist" }),
      mbsc: mbsc([image("t2")]),
      builds: [build("onload-build-a", "Error"), build("onload-build-b", "Cancelled")],
      oldFailures: new Set(["uid-onload-build-a"]),
    }),
    kind: "failed",
    says: /onload-build-b/,
  },
  {
    when: "a build that a cut run left goes on",
    view: view({
      mic: mic({ [image("t2")]: "NeedsBuilding" }),
      mbsc: mbsc([image("t2")]),
      builds: [build("onload-build-a", "Running")],
    }),
    kind: "wait",
    says: /^onload-build-a Running$/,
  },
  {
    when: "the tag is an earlier one again, and all is there",
    view: view({
      wanted: [want("t1")],
      mic: mic({ [image("t1")]: "Exists" }),
      mbsc: mbsc([image("t2")]),
      builds: [build("onload-build-b", "Failed")],
      pushed: { [tag(image("t1"))]: "sha256:1", [tag(image("t2"))]: "sha256:2" },
    }),
    kind: "built",
  },
];

/** A node that leaves at the end of the run is still selected, and KMM builds for its kernel. */
const leavingNode: Row[] = [
  {
    when: "KMM builds for the kernel of a node that leaves",
    view: view({
      mic: mic({ [image("t2")]: "NeedsBuilding", [image("t2", leaving)]: "NeedsBuilding" }),
      mbsc: mbsc([image("t2"), image("t2", leaving)]),
      builds: [build("onload-build-a", "Running"), build("onload-build-b", "Running", { kernel: leaving })],
    }),
    kind: "wait",
    says: /^onload-build-a Running$/,
  },
  {
    when: "the build for a leaving node's kernel fails",
    view: view({
      mic: mic({ [image("t2")]: "NeedsBuilding", [image("t2", leaving)]: "DoesNotExist" }),
      mbsc: mbsc([image("t2"), image("t2", leaving)]),
      builds: [build("onload-build-a", "Running"), build("onload-build-b", "Failed", { kernel: leaving })],
    }),
    kind: "wait",
  },
  {
    when: "all but a leaving node's image is there",
    view: view({
      mic: mic({ [image("t2")]: "Exists", [image("t2", leaving)]: "DoesNotExist" }),
      mbsc: mbsc([image("t2"), image("t2", leaving)]),
      pushed: { [tag(image("t2"))]: "sha256:2" },
    }),
    kind: "built",
  },
];

const groups = {
  "on the good path": goodPath,
  "among KMM's surprises": surprises,
  "on a second run": resumption,
};
for (const [where, rows] of Object.entries({ ...groups, "while a node leaves": leavingNode })) {
  describe(where, () => {
    for (const { when, view: seen, kind, says } of rows) {
      test(`${kind} when ${when}`, () => {
        const verdict = judgeBuild(seen);
        assert.equal(verdict.kind, kind);
        if (says !== undefined) assert.match(said(verdict), says);
      });
    }
  });
}

function said(verdict: ReturnType<typeof judgeBuild>): string {
  if ("missing" in verdict) return verdict.missing;
  if ("reason" in verdict) return verdict.reason;
  return "build" in verdict ? verdict.build.metadata.name : "";
}

test("what was built is told with the digest that was pushed under its tag", () => {
  const wanted = [want("t2"), want("t2", realTime)];
  const verdict = judgeBuild(
    view({
      wanted,
      mic: mic({ [image("t2")]: "Exists", [image("t2", realTime)]: "Exists" }),
      pushed: { [tag(image("t2"))]: "sha256:2", [tag(image("t2", realTime))]: "sha256:3" },
    }),
  );
  assert.deepEqual(verdict, {
    kind: "built",
    images: [
      { ...wanted[0], digest: "sha256:2" },
      { ...wanted[1], digest: "sha256:3" },
    ],
  });
});
