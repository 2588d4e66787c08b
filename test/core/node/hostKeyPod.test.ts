import assert from "node:assert/strict";
import { test } from "node:test";
import { readerNamespace, readerPod, readingOf, type Reading, type ReaderPod } from "../../../core/node/hostKeyPod.ts";

type Status = NonNullable<ReaderPod["status"]>;
const ofState = (state: NonNullable<Status["containerStatuses"]>[number]["state"], phase = "Pending"): Status => ({
  phase,
  containerStatuses: [state === undefined ? {} : { state }],
});

const table: readonly [what: string, Status | undefined, Reading][] = [
  ["no status yet", undefined, { waiting: "no word of its pod" }],
  [
    "a pull that fails",
    ofState({ waiting: { reason: "ErrImagePull", message: "denied" } }),
    { waiting: "ErrImagePull: denied" },
  ],
  ["a container that runs", ofState({}, "Running"), { waiting: "no word of its pod" }],
  [
    "cat that failed",
    ofState({ terminated: { exitCode: 1, reason: "Error", message: "cat: x: Permission denied\n" } }, "Failed"),
    { failed: "Error: cat: x: Permission denied" },
  ],
  ["a pod past its deadline", { phase: "Failed", reason: "DeadlineExceeded" }, { failed: "DeadlineExceeded" }],
  [
    "keys",
    ofState({ terminated: { exitCode: 0, message: "ssh-ed25519 AAAA\n" } }, "Succeeded"),
    { text: "ssh-ed25519 AAAA\n" },
  ],
  ["nothing at all", ofState({ terminated: { exitCode: 0 } }, "Succeeded"), { text: "" }],
];

for (const [what, status, expected] of table) {
  test(`a pod is read: ${what}`, () => {
    const pod = { metadata: { name: "p" }, spec: { nodeName: "worker-1" }, ...(status && { status }) };
    assert.deepEqual(readingOf(pod), expected);
  });
}

test("the pod sees the public keys' directory alone, read-only, as nobody, and has no token", () => {
  const { spec } = readerPod("ns", "worker-1", 3, "tools") as {
    spec: {
      nodeName: string;
      automountServiceAccountToken: boolean;
      hostNetwork?: boolean;
      hostPID?: boolean;
      volumes: { hostPath: { path: string } }[];
      containers: { securityContext: Record<string, unknown>; volumeMounts: { readOnly: boolean }[] }[];
    };
  };
  assert.deepEqual([spec.nodeName, spec.automountServiceAccountToken], ["worker-1", false]);
  assert.deepEqual([spec.hostNetwork, spec.hostPID], [undefined, undefined]);
  assert.deepEqual(spec.volumes, [{ name: "ssh", hostPath: { path: "/etc/ssh", type: "Directory" } }]);
  const [container = assert.fail()] = spec.containers;
  assert.deepEqual(
    container.volumeMounts.map(({ readOnly }) => readOnly),
    [true],
  );
  assert.deepEqual(
    [
      container.securityContext["runAsNonRoot"],
      container.securityContext["privileged"],
      container.securityContext["capabilities"],
    ],
    [true, undefined, { drop: ["ALL"] }],
  );
});

test("its namespace can be found again, and lets a hostPath in", () => {
  const [namespace] = readerNamespace("ns") as { metadata: { labels: Record<string, string> } }[];
  assert.equal(namespace?.metadata.labels["app.kubernetes.io/managed-by"], "onload-kmm-init");
  assert.equal(namespace.metadata.labels["pod-security.kubernetes.io/enforce"], "privileged");
});
