/** Texts as kube-scheduler, kubelet, quota admission and OpenShift's build controller write them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { whyBuildWaits, type BuildPod, type EventObject } from "../../../core/build/waitingBuild.ts";

const build = (phase: string, reason?: string, message?: string) => ({
  metadata: { name: "b-1" },
  status: { phase, ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) },
});
const pod = (status: BuildPod["status"]): BuildPod => ({ metadata: { name: "b-1-build" }, ...(status && { status }) });
const waiting = (reason: string, message?: string) => [
  { state: { waiting: { reason, ...(message !== undefined && { message }) } } },
];
const event = (object: string, reason: string, message: string, more: Partial<EventObject> = {}): EventObject => {
  const [kind = "", name = ""] = object.split("/");
  return {
    involvedObject: { kind, name },
    type: "Warning",
    reason,
    message,
    lastTimestamp: "2026-11-26T08:00:00Z",
    ...more,
  };
};

const quota =
  'Error creating build pod: pods "b-1-build" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=4, limited: cpu=4';
const unmounted = 'MountVolume.SetUp failed for volume "secret-key" : secret "onload-signing-key" not found';
const unscheduled = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
const notScheduled = pod({ conditions: [{ type: "PodScheduled", status: "False", message: unscheduled }] });

const rows = {
  "nothing tells": [build("Pending"), {}, undefined],
  "a pod that is on its way": [
    build("Pending"),
    { pod: pod({ containerStatuses: waiting("PodInitializing") }) },
    undefined,
  ],
  "no node": [build("Pending"), { pod: notScheduled }, `no node takes its pod: ${unscheduled}`],
  "a builder image that can't be pulled": [
    build("Pending"),
    { pod: pod({ initContainerStatuses: waiting("ImagePullBackOff", 'Back-off pulling image "quay.io/x"') }) },
    'ImagePullBackOff: Back-off pulling image "quay.io/x"',
  ],
  "a quota": [
    build("New", "CannotCreateBuildPod", "Failed creating build pod."),
    { events: [event("Build/b-1", "FailedCreate", quota)] },
    `FailedCreate: ${quota}`,
  ],
  "a Secret that isn't there": [
    build("Pending"),
    {
      pod: pod({ containerStatuses: waiting("ContainerCreating") }),
      events: [event("Pod/b-1-build", "FailedMount", unmounted)],
    },
    `FailedMount: ${unmounted}`,
  ],
  "what the Build itself says": [
    build("New", "InvalidOutputReference", "Output image could not be resolved."),
    {},
    "InvalidOutputReference: Output image could not be resolved.",
  ],
  "an earlier Build of the same BuildConfig": [
    build("New"),
    { earlier: ["b-0"] },
    "waits for b-0, which must end first",
  ],
  "the newest warning, and none of another object, nor an ordinary event": [
    build("Pending"),
    {
      events: [
        event("Pod/b-1-build", "FailedMount", "newer", { lastTimestamp: null, eventTime: "2026-11-26T08:01:00.5Z" }),
        event("Pod/b-1-build", "FailedMount", "older"),
        event("Pod/b-10-build", "FailedMount", "another's", { lastTimestamp: "2026-11-26T09:00:00Z" }),
        event("Pod/b-1-build", "Pulling", "ordinary", { type: "Normal", lastTimestamp: "2026-11-26T09:00:00Z" }),
      ],
    },
    "FailedMount: newer",
  ],
} as const;

for (const [what, [waits, around, why]] of Object.entries(rows)) {
  test(`why a Build waits: ${what}`, () => {
    assert.equal(whyBuildWaits(waits, { events: [], earlier: [], ...around }), why);
  });
}
