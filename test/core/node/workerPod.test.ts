import assert from "node:assert/strict";
import { test } from "node:test";
import { workerTrouble, type WorkerPod } from "../../../core/node/workerPod.ts";

const pod = (status?: WorkerPod["status"]): WorkerPod => ({
  metadata: { name: "kmm-worker-worker-1-onload" },
  ...(status !== undefined && { status }),
});
const waiting = (reason: string, message?: string) => ({
  name: "image-extractor",
  restartCount: 0,
  state: { waiting: { reason, ...(message !== undefined && { message }) } },
});

const untroubled: [what: string, status?: WorkerPod["status"]][] = [
  ["that has no status yet"],
  ["whose containers aren't there yet", {}],
  ["that is being started", { initContainerStatuses: [waiting("PodInitializing")] }],
  ["that works", { containerStatuses: [{ name: "worker", restartCount: 0, state: {} }] }],
];
for (const [what, status] of untroubled) {
  test(`a worker ${what} is in no trouble`, () => assert.equal(workerTrouble(pod(status)), undefined));
}

for (const reason of ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"]) {
  test(`a worker with ${reason} in its init container hangs forever`, () => {
    assert.deepEqual(workerTrouble(pod({ initContainerStatuses: [waiting(reason, "manifest unknown\n")] })), {
      text: `kmm-worker-worker-1-onload can't pull its image: ${reason}: manifest unknown`,
      hangsForEver: true,
    });
  });
}

test("a worker whose own container can't be pulled hangs just as well", () => {
  assert.deepEqual(workerTrouble(pod({ initContainerStatuses: [], containerStatuses: [waiting("ErrImagePull")] })), {
    text: "kmm-worker-worker-1-onload can't pull its image: ErrImagePull",
    hangsForEver: true,
  });
});

test("a worker that fails again and again says how often, and with what", () => {
  const worker = {
    name: "worker",
    restartCount: 3,
    lastState: { terminated: { exitCode: 1, message: "modprobe: ERROR: could not insert 'onload': Key was rejected" } },
  };
  const loading = { ...pod({ containerStatuses: [worker] }) };
  const labels = { "kmm.node.kubernetes.io/worker-action": "Load" };
  assert.deepEqual(workerTrouble({ ...loading, metadata: { ...loading.metadata, labels } }), {
    text:
      "kmm-worker-worker-1-onload failed 3 times to load: exit code 1: " +
      "modprobe: ERROR: could not insert 'onload': Key was rejected",
    // KMM replaces it as soon as its template changes.
    hangsForEver: false,
  });
});

test("a worker that failed without a word is told as such", () => {
  const trouble = workerTrouble(pod({ containerStatuses: [{ name: "worker", restartCount: 1 }] }));
  assert.equal(trouble?.text, "kmm-worker-worker-1-onload failed once: no reason given");
});
