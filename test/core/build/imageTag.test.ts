import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  forKernel,
  imageTemplate,
  isSameKernel,
  kmmKernel,
  longestTag,
  normalizeKernel,
  stemOf,
  tagLengthProblem,
  tagTemplate,
  type ImageContent,
} from "../../../core/build/imageTag.ts";

const content: ImageContent = {
  source: "9.0.2.140-0123456789ab",
  dockerfile: "FROM dtk",
  baseImage: "ubi:9.6",
  certificate: "AA:BB",
  filesToSign: ["/opt/a.ko"],
  namespaceUid: "5a1c",
  rebuild: 0,
};

const release = fc.array(fc.nat({ max: 99_999 }), { minLength: 2, maxLength: 4 }).map((parts) => parts.join("."));
const kernel = fc.stringMatching(/^[0-9]\.[0-9]{1,2}\.[0-9]{1,3}-[a-z0-9_.-]{1,40}(\+[a-z0-9]{1,8})?\+?$/);
const namespace = fc.stringMatching(/^[a-z][a-z0-9-]{0,33}[a-z0-9]$/);

test("the tag names the release and the content, and leaves the kernel to KMM", () => {
  assert.match(tagTemplate("9.0.2.140", content), /^9\.0\.2\.140-[0-9a-f]{12}-\$\{KERNEL_FULL_VERSION\}$/);
});

const changes: Record<Exclude<keyof ImageContent, "spoilt">, Partial<ImageContent>> = {
  source: { source: "9.0.2.140-0123456789ac" },
  dockerfile: { dockerfile: "FROM dtk AS builder" },
  baseImage: { baseImage: "ubi:9.7" },
  certificate: { certificate: "AA:BC" },
  filesToSign: { filesToSign: [] },
  namespaceUid: { namespaceUid: "5a1d" },
  rebuild: { rebuild: 1 },
};
for (const [part, change] of Object.entries(changes)) {
  test(`another ${part} makes another tag`, () => {
    assert.notEqual(tagTemplate("1.2", { ...content, ...change }), tagTemplate("1.2", content));
  });
}

test("a spoilt tag is never made again, and what isn't spoilt stays as it is", () => {
  const stem = (tag: string): string =>
    stemOf(`registry/onload-kmod:${forKernel(tag, "5.14.0-1.el9")}`, "5.14.0-1.el9");
  const first = tagTemplate("1.2", content);
  const second = tagTemplate("1.2", content, [stem(first)]);
  assert.notEqual(second, first);
  const third = tagTemplate("1.2", content, [stem(first), stem(second)]);
  assert.ok(![first, second].includes(third));
  assert.equal(
    tagTemplate("1.2", { ...content, rebuild: 1 }, [stem(first)]),
    tagTemplate("1.2", { ...content, rebuild: 1 }),
  );
});

test("kernels are the same in each of KMM's spellings", () => {
  const kernel = "5.14.0-570.49.1.el9_6.x86_64+rt";
  for (const spelling of [kernel, "5.14.0-570.49.1.el9_6.x86_64_rt", "5-14-0-570-49-1-el9-6-x86-64-rt"]) {
    assert.ok(isSameKernel(kernel, spelling), spelling);
  }
  assert.ok(!isSameKernel(kernel, "5-14-0-570-49-1-el9-6-x86-64"));
});

test("the same content makes the same tag", () => {
  assert.equal(tagTemplate("1.2", { ...content }), tagTemplate("1.2", content));
});

test("the tag that lengths are checked with is as long as the one that is used", () => {
  fc.assert(fc.property(release, (version) => longestTag(version).length === tagTemplate(version, content).length));
});

test("the image lies in the internal registry, in the Module's own namespace", () => {
  assert.equal(
    forKernel(imageTemplate("onload-kmm", "1.2-0-${KERNEL_FULL_VERSION}"), "5.14.0-1.el9.x86_64"),
    "image-registry.openshift-image-registry.svc:5000/onload-kmm/onload-kmod:1.2-0-5.14.0-1.el9.x86_64",
  );
});

const kernels: [unameR: string, kmm: string, inTag: string][] = [
  ["5.14.0-570.49.1.el9_6.x86_64", "5.14.0-570.49.1.el9_6.x86_64", "5.14.0-570.49.1.el9_6.x86_64"],
  ["5.14.0-570.49.1.el9_6.x86_64+rt", "5.14.0-570.49.1.el9_6.x86_64+rt", "5.14.0-570.49.1.el9_6.x86_64_rt"],
  ["5.14.0-570.49.1.el9_6.aarch64+64k", "5.14.0-570.49.1.el9_6.aarch64+64k", "5.14.0-570.49.1.el9_6.aarch64_64k"],
  ["6.12.0-55.9.1.el10_0.x86_64+rt+", "6.12.0-55.9.1.el10_0.x86_64+rt", "6.12.0-55.9.1.el10_0.x86_64_rt"],
  ["6.1.0+", "6.1.0", "6.1.0"],
];
for (const [unameR, kmm, inTag] of kernels) {
  test(`KMM knows the kernel ${unameR} as ${kmm}, and as ${inTag} in tags`, () => {
    assert.equal(kmmKernel(unameR), kmm);
    assert.equal(normalizeKernel(unameR), inTag);
  });
}

test("any kernel's tag has only characters that a tag may have", () => {
  fc.assert(
    fc.property(release, kernel, (version, unameR) =>
      /^\w[\w.-]*$/.test(forKernel(tagTemplate(version, content), unameR)),
    ),
  );
});

test("no tag that KMM derives while it signs or preflights is longer than 128 characters, unless it is reported", () => {
  fc.assert(
    fc.property(release, namespace, kernel, (version, ns, unameR) => {
      const tag = forKernel(tagTemplate(version, content), unameR);
      const derived = [tag, `${tag}_${ns}_onload_kmm_unsigned`, `${tag}_${ns}_onload-preflight_kmm_unsigned`];
      const tooLong = derived.some((each) => each.length > 128);
      assert.equal(tagLengthProblem(longestTag(version), ns, unameR) !== undefined, tooLong);
    }),
  );
});

test("a tag that is too long is reported with its length, and by how much the namespace must be shorter", () => {
  const scratchBuild = "5.14.0-570.49.1.el9_6.bz2212345.test.1.x86_64+rt-debug";
  const check = (length: number): string | undefined =>
    tagLengthProblem(longestTag("9.0.2.140"), "n".repeat(length), scratchBuild);
  const problem = check(30) ?? "";
  assert.match(problem, /kernel 5\.14\.0-\S+ has 138 characters, at most 128 are allowed: 9\.0\.2\.140-/);
  assert.match(problem, /shorten onload-kmm:namespace \(now "n{30}"\) by 10 or more \[OKMM-TAG-LENGTH\]$/);
  assert.match(check(21) ?? "", /by 1 or more \[OKMM-TAG-LENGTH\]$/);
  assert.equal(check(20), undefined);
});
