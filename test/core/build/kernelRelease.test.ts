import assert from "node:assert/strict";
import { test } from "node:test";
import {
  kernelDoubt,
  kernelProblem,
  kernelRelease,
  kubernetesArchitecture,
  ubiImage,
} from "../../../core/build/kernelRelease.ts";
import { otherKernels, rhelKernels } from "./kernels.ts";

for (const [name, release] of rhelKernels) {
  test(`${name} is ${release.package} of RHEL ${release.major}.${release.minor ?? "-"} for ${release.architecture}`, () => {
    assert.deepEqual(kernelRelease(name), release);
  });
}

for (const name of otherKernels) {
  test(`"${name}" isn't RHEL's`, () => assert.equal(kernelRelease(name), undefined));
}

test("builds go to nodes of the kernel's own architecture", () => {
  assert.equal(kubernetesArchitecture("5.14.0-570.49.1.el9_6.x86_64+rt"), "amd64");
  assert.equal(kubernetesArchitecture("6.12.0-124.8.1.el10_1.aarch64+64k"), "arm64");
  assert.equal(kubernetesArchitecture("6.8.5-301.fc40.aarch64"), "arm64");
  assert.equal(kubernetesArchitecture("6.1.0-56-amd64"), undefined);
});

test("UBI is of the kernel's own RHEL", () => {
  assert.equal(ubiImage("5.14.0-427.13.1.el9_4.x86_64"), "registry.access.redhat.com/ubi9/ubi:9.4");
  assert.equal(ubiImage("6.12.0-55.9.1.el10_0.aarch64+64k"), "registry.access.redhat.com/ubi10/ubi:10.0");
  assert.equal(ubiImage("5.14.0-592.el9.x86_64"), undefined);
});

const problems = [
  ["entitled-ubi", "5.14.0-284.11.1.rt14.296.el9_2.x86_64", undefined],
  ["entitled-ubi", "6.12.0-124.8.1.el10_1.aarch64+64k", undefined],
  ["entitled-ubi", "5.14.0-570.49.1.el9_6.x86_64+rt-debug", undefined],
  ["entitled-ubi", "5.14.0-570.49.1.el9_6.x86_64+zfcpdump", /variant zfcpdump isn't known/],
  ["entitled-ubi", "5.14.0-592.el9.x86_64", /of CentOS Stream, .*; set onload-kmm:build\.strategy to driver-toolkit$/],
  ["entitled-ubi", "6.8.5-301.fc40.x86_64", /isn't of a RHEL kernel, .*driver-toolkit$/],
  ["entitled-ubi", "7.2.0-1.el11_0.x86_64", /no UBI of RHEL 11/],
  ["driver-toolkit", "5.14.0-570.49.1.el9_6.x86_64+rt", undefined],
  ["driver-toolkit", "6.12.0-124.8.1.el10_1.x86_64", undefined],
  ["driver-toolkit", "6.12.0-124.8.1.el10_1.aarch64+64k", undefined],
  ["driver-toolkit", "5.14.0-284.11.1.rt14.296.el9_2.x86_64", undefined],
  ["driver-toolkit", "5.14.0-592.el9.x86_64", undefined],
  ["driver-toolkit", "6.8.5-301.fc40.x86_64", undefined],
  ["driver-toolkit", "5.14.0-570.49.1.el9_6.x86_64+debug", /for x86_64 has no kernel-debug-devel; .*entitled-ubi$/],
  ["driver-toolkit", "5.14.0-570.49.1.el9_6.aarch64+rt", /for aarch64 has no kernel-rt-devel/],
  ["driver-toolkit", "5.14.0-570.49.1.el9_6.ppc64le", /OpenOnload isn't built for ppc64le/],
] as const;

for (const [strategy, kernel, problem] of problems) {
  test(`${strategy} ${problem === undefined ? "builds" : "refuses"} ${kernel}`, () => {
    const found = kernelProblem(kernel, strategy);
    if (problem === undefined) assert.equal(found, undefined);
    else assert.match(found ?? "", problem);
  });
}

test("a real-time kernel's packages may not be in the subscription", () => {
  const doubt =
    /^kernel-rt-devel-5\.14\.0-284\.11\.1\.rt14\.296\.el9_2\.x86_64 comes from RHEL's repository for real time/;
  assert.match(kernelDoubt("5.14.0-284.11.1.rt14.296.el9_2.x86_64", "entitled-ubi") ?? "", doubt);
  assert.equal(kernelDoubt("5.14.0-284.11.1.rt14.296.el9_2.x86_64", "driver-toolkit"), undefined);
  assert.equal(kernelDoubt("5.14.0-570.49.1.el9_6.x86_64+debug", "entitled-ubi"), undefined);
});
