import assert from "node:assert/strict";
import { test } from "node:test";
import { releaseSupport, rhelMinor } from "../../../core/build/releaseSupport.ts";

const el = (minor: string, rest = "x86_64") => `5.14.0-570.49.1.el${minor}.${rest}`;

const minors: [kernel: string, minor: string | undefined][] = [
  ["5.14.0-570.49.1.el9_6.x86_64", "9.6"],
  ["5.14.0-570.49.1.el9_6.x86_64+rt", "9.6"],
  ["5.14.0-570.49.1.el9_6.aarch64+64k", "9.6"],
  ["5.14.0-284.30.1.rt14.315.el9_2.x86_64", "9.2"],
  ["4.18.0-553.16.1.el8_10.x86_64", "8.10"],
  ["6.12.0-55.9.1.el10_0.x86_64", "10.0"],
  ["5.14.0-621.el9.x86_64", undefined],
  ["6.1.0-18-amd64", undefined],
];
for (const [kernel, minor] of minors) {
  test(`the kernel ${kernel} is of RHEL ${minor ?? "unknown"}`, () => assert.equal(rhelMinor(kernel), minor));
}

const rows: [release: string, minor: string, first: string | undefined][] = [
  // OpenShift 4.16 to 4.18.
  ["8.1.2.26", "9_4", "8.1.3"],
  ["8.1.3.40", "9_4", undefined],
  // OpenShift 4.19 to 4.21.
  ["9.0.1.86", "9_6", "9.0.2"],
  ["9.0.2.140", "9_6", undefined],
  ["9.2.0.43", "9_6", undefined],
  ["9.0.2.140", "9_7", "9.1.0"],
  ["9.1.1.66", "9_8", "9.2.0"],
  ["10.0.0.1", "9_8", undefined],
  ["9.0.1.86", "10_0", "9.0.2"],
  ["9.0.2.140", "10_1", "9.1.0"],
  ["9.1.1.66", "10_2", "9.2.0"],
  ["9.2.0.43", "10_2", undefined],
  ["8.1.2.26", "8_10", "8.1.3"],
];
for (const [release, minor, first] of rows) {
  test(`OpenOnload ${release} on RHEL ${minor}: ${first === undefined ? "builds" : `too old, ${first} is the first`}`, () => {
    const { problems, warnings } = releaseSupport(release, [{ what: "worker-1", kernel: el(minor) }]);
    assert.deepEqual(warnings, []);
    const expected = [
      `onload-kmm:release.version: found ${release}, which doesn't build for worker-1's kernel ${el(minor)} (RHEL ${minor.replace("_", ".")}); ` +
        `the first release that does is OpenOnload ${first ?? ""}: set a package of it or a later one, or leave worker-1 out [OKMM-RELEASE-KERNEL]`,
    ];
    assert.deepEqual(problems, first === undefined ? [] : expected);
  });
}

const doubts: [release: string, kernel: string, says: RegExp][] = [
  [
    "9.2.0.43",
    el("9_9"),
    /^the build may fail for worker-1's kernel .*: it isn't known whether OpenOnload 9\.2\.0\.43 supports RHEL 9\.9 \[OKMM-RELEASE-UNTRIED\]$/,
  ],
  ["9.1.0.24", el("9_2"), /OpenOnload 9\.1\.0 and later no longer support RHEL 9\.2 \[OKMM-RELEASE-UNTRIED\]$/],
  ["10.0.0.1", el("8_10"), /OpenOnload 10\.0\.0 and later no longer support RHEL 8\.10 \[OKMM-RELEASE-UNTRIED\]$/],
  [
    "9.0.2.140",
    "5.14.0-621.el9.x86_64",
    /^worker-1: its kernel 5\.14\.0-621\.el9\.x86_64 names no minor release of RHEL/,
  ],
];
for (const [release, kernel, says] of doubts) {
  test(`OpenOnload ${release} on ${kernel}: nobody knows, and nothing is refused`, () => {
    const { problems, warnings } = releaseSupport(release, [{ what: "worker-1", kernel }]);
    assert.deepEqual(problems, []);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", says);
  });
}

test("a version that is none of AMD's says nothing of kernels", () => {
  const kernels = [{ what: "worker-1", kernel: el("9_6") }];
  assert.deepEqual(releaseSupport("0.9.0.1", kernels), { problems: [], warnings: [] });
});

test("nodes with the same trouble are told one by one, and a kernel to come by its key", () => {
  const kernels = ["worker-1", "worker-2", "onload-kmm:build.nextKernels[0]"].map((what) => ({
    what,
    kernel: el("9_7"),
  }));
  assert.deepEqual(
    releaseSupport("9.0.2.140", kernels).problems.map((problem) => /build for (\S+)'s kernel/.exec(problem)?.[1]),
    ["worker-1", "worker-2", "onload-kmm:build.nextKernels[0]"],
  );
});
