import assert from "node:assert/strict";
import { test } from "node:test";
import {
  buildTrouble,
  kernelsWithoutToolkit,
  neededObjects,
  type PullPod,
  type StalledView,
} from "../../../core/build/buildTrouble.ts";
import { moduleSpec } from "../../../core/build/moduleSpec.ts";

const pending = { name: "onload-build-x", why: "New: CannotCreateBuildPod" };

const well: StalledView = {
  namespace: "onload-kmm",
  missing: [],
  pullPods: [],
  pendingBuilds: [],
  kernelsWithoutToolkit: [],
};
const pod = (status: PullPod["status"]): PullPod => ({
  metadata: { name: "onload-pull-pod-x" },
  ...(status !== undefined && { status }),
});

test("nothing is wrong while a build runs and all that it needs is there", () => {
  assert.equal(buildTrouble(well), undefined);
  assert.equal(buildTrouble({ ...well, pullPods: [pod({ phase: "Succeeded" })] }), undefined);
});

test("each silent cause has its words, its remedy, and says whether waiting can help", () => {
  const waiting = (reason: string) => ({ phase: "Pending", containerStatuses: [{ state: { waiting: { reason } } }] });
  const unscheduled = {
    phase: "Pending",
    conditions: [{ type: "PodScheduled", status: "False", message: "0/4 nodes are available" }],
  };
  const rows: [Partial<StalledView>, RegExp, RegExp, boolean][] = [
    [
      { missing: ["configmap/onload-dockerfile-1"] },
      /deleted .*configmap\/onload-dockerfile-1/,
      /`pulumi up` again, which creates it again/,
      true,
    ],
    [{ kernelsWithoutToolkit: ["5.14.0-1"] }, /no Driver Toolkit image for 5\.14\.0-1/, /entitled-ubi/, true],
    [{ pullPods: [pod({ phase: "Failed" })] }, /onload-pull-pod-x.*failed/, /delete pod onload-pull-pod-x/, true],
    [{ pullPods: [pod(waiting("InvalidImageName"))] }, /InvalidImageName/, /delete pod/, true],
    [{ pullPods: [pod(waiting("ContainerCreating"))] }, /doesn't start: ContainerCreating/, /uncordon/, false],
    [{ pullPods: [pod(unscheduled)] }, /doesn't start: 0\/4 nodes/, /uncordon/, false],
    [{ pullPods: [pod({ phase: "Pending" })] }, /no node has taken it/, /uncordon/, false],
    [
      { pendingBuilds: [pending] },
      /hasn't started onload-build-x \(New: CannotCreateBuildPod\)$/,
      /describe pod onload-build-x-build/,
      false,
    ],
  ];
  for (const [change, text, remedy, final] of rows) {
    const trouble = buildTrouble({ ...well, ...change });
    assert.match(trouble?.text ?? "", text);
    assert.match(trouble?.remedy ?? "", remedy);
    assert.equal(trouble?.final, final, String(text));
  }
});

test("what was deleted is named before what hangs because of it", () => {
  const both = { ...well, missing: ["secret/key"] as const, pendingBuilds: [pending] };
  assert.match(buildTrouble(both)?.text ?? "", /secret\/key/);
});

test("a Module needs its Dockerfile, the key pair and the build's Secrets, each named once", () => {
  const spec = moduleSpec({
    strategy: "entitled-ubi",
    stack: "dev",
    image: "registry/ns/onload-kmod:1-${KERNEL_FULL_VERSION}",
    kernels: ["5.14.0-1.x86_64+rt"],
    dockerfileConfigMap: "dockerfile",
    buildArgs: [],
    buildSecrets: ["etc-pki-entitlement"],
    keySecret: "key",
    certSecret: "cert",
  });
  assert.deepEqual(neededObjects({ spec }), [
    "configmap/dockerfile",
    "secret/etc-pki-entitlement",
    "secret/key",
    "secret/cert",
  ]);
  assert.deepEqual(neededObjects({ spec: {} }), []);
});

test("a kernel has a Driver Toolkit when one of its nodes' OS version is a tag; `latest` is none", () => {
  const node = (kernelVersion: string, osImage: string) => ({ status: { nodeInfo: { kernelVersion, osImage } } });
  const nodes = [
    node("5.14.0-1", "Red Hat Enterprise Linux CoreOS 9.6.20251015-1 (Plow)"),
    node("5.14.0-2+rt", "Red Hat Enterprise Linux CoreOS 9.6.20260101-0 (Plow)"),
    node("5.14.0-3", "Fedora"),
  ];
  const kernels = ["5.14.0-1", "5.14.0-2+rt", "5.14.0-3", "5.14.0-4"];
  assert.deepEqual(kernelsWithoutToolkit(kernels, nodes, ["latest", "9.6.20251015-1"]), kernels.slice(1));
  assert.deepEqual(kernelsWithoutToolkit(kernels.slice(0, 2), nodes, ["9.6.20251015-1", "9.6.20260101-0"]), []);
});
