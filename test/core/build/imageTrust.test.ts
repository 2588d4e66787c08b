/** Which images are believed, and how later lines of KMM name what they do. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { judgeBuild, type BuildView } from "../../../core/build/moduleBuild.ts";
import { build, image, mbsc, mic, realTime, tag, view, want } from "./buildView.ts";

interface Row {
  readonly when: string;
  readonly view: BuildView;
  readonly kind: ReturnType<typeof judgeBuild>["kind"];
  readonly says?: RegExp;
}

const there = { mic: mic({ [image("t2")]: "Exists" }), pushed: { [tag(image("t2"))]: "sha256:2" } };
const signedNow = [{ action: "SignImage", status: "Success" }] as const;
const signatures: Row[] = [
  {
    when: "KMM has signed the image in this round",
    view: view({ ...there, signed: {}, mbsc: mbsc([image("t2")], {}, [...signedNow]) }),
    kind: "built",
  },
  {
    when: "nothing is known of the image's signature",
    view: view({ ...there, signed: {} }),
    kind: "distrust",
    says: /holds an image for 5\.14\S+ without a known signature/,
  },
  {
    when: "another digest was signed than the one that is there",
    view: view({ ...there, signed: { [tag(image("t2"))]: "sha256:1" } }),
    kind: "distrust",
  },
  {
    when: "KMM has only built the image, and believes in it (2.7, a failed signature)",
    view: view({
      ...there,
      signed: {},
      mbsc: mbsc([image("t2")], {}, [{ action: "BuildImage", status: "Success" }]),
    }),
    kind: "distrust",
  },
  {
    when: "the image's signature failed, and KMM believes in it",
    view: view({ ...there, signed: {}, mbsc: mbsc([image("t2")], {}, [{ action: "SignImage", status: "Failure" }]) }),
    kind: "distrust",
  },
  {
    when: "the round works on another tag, whose signature KMM books on this one, too",
    view: view({ ...there, signed: {}, mbsc: mbsc([image("t1"), image("t2")], {}, [...signedNow]) }),
    kind: "distrust",
  },
  {
    when: "one of two images isn't there yet, and the other's signature is unknown",
    view: view({
      wanted: [want("t2"), want("t2", realTime)],
      mic: mic({ [image("t2")]: "Exists", [image("t2", realTime)]: "NeedsBuilding" }),
      pushed: there.pushed,
      signed: {},
    }),
    kind: "distrust",
  },
];

const laterKmm: Row[] = ["5.14.0-1.el9.x86_64", "5-14-0-1-el9-x86-64"].flatMap((label): Row[] => [
  {
    when: `a build fails, its kernel spelt ${label}`,
    view: view({
      mic: mic({ [image("t2")]: "DoesNotExist" }),
      mbsc: mbsc([image("t2")]),
      builds: [build("onload-build-5-14", "Failed", { kernel: label })],
    }),
    kind: "failed",
  },
  {
    when: `a build fails again under the name of the one that failed before, its kernel spelt ${label}`,
    view: view({
      mic: mic({ [image("t2")]: "DoesNotExist" }),
      mbsc: mbsc([image("t2")]),
      builds: [build("onload-build-5-14", "Failed", { kernel: label })],
      oldFailures: new Set(["uid-of-the-first"]),
    }),
    kind: "failed",
  },
]);

for (const [what, rows] of Object.entries({ "of signatures": signatures, "on later lines of KMM": laterKmm })) {
  describe(what, () => {
    for (const row of rows) {
      test(`${row.kind} when ${row.when}`, () => {
        const verdict = judgeBuild(row.view);
        assert.equal(verdict.kind, row.kind);
        if (row.says !== undefined) assert.match("reason" in verdict ? verdict.reason : "", row.says);
      });
    }
  });
}

test("just those images are distrusted of whose signature nothing is known", () => {
  const verdict = judgeBuild(view({ ...there, signed: {} }));
  assert.ok(verdict.kind === "distrust");
  assert.deepEqual(verdict.images, [want("t2")]);
});
