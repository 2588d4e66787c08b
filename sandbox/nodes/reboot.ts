import { isNotFound, type Kube } from "../kube.ts";
import { isPlayedHere } from "./kubelet.ts";
import type { Machine } from "./machine.ts";
import { EVENTS, PODS, type Node, type Pod } from "./shapes.ts";

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

/** The event by which a kubelet tells that its node has been rebooted. */
export async function announceBoot(kube: Kube, machine: Machine, node: Node | undefined): Promise<void> {
  const { name } = machine.spec;
  const event = {
    metadata: { name: `${name}.${Date.now().toString(16)}`, namespace: "default" },
    involvedObject: { apiVersion: "v1", kind: "Node", name, uid: node?.metadata.uid },
    reason: "Rebooted",
    type: "Warning",
    message: `Node ${name} has been rebooted, boot id: ${machine.bootId}`,
    source: { component: "kubelet", host: name },
    firstTimestamp: now(),
    lastTimestamp: now(),
    count: 1,
  };
  await kube.create(EVENTS, event);
}

/** After a boot a kubelet starts its pods' containers again, which shows in their restart counts. */
export async function restartPods(kube: Kube, machine: Machine, pods: Pod[]): Promise<void> {
  const since = machine.bootedAt;
  const ours = pods.filter(
    (pod) =>
      pod.spec?.nodeName === machine.spec.name &&
      !isPlayedHere(pod) &&
      pod.status?.phase === "Running" &&
      pod.metadata.deletionTimestamp === undefined &&
      // One that came after the boot has nothing to restart.
      Date.parse(pod.metadata.creationTimestamp ?? "") < Date.parse(since),
  );
  await Promise.all(ours.map((pod) => restart(kube, pod)));
}

async function restart(kube: Kube, pod: Pod): Promise<void> {
  const { name = "", namespace } = pod.metadata;
  const containerStatuses = (pod.status?.containerStatuses ?? []).map((status) => ({
    ...status,
    ready: true,
    restartCount: status.restartCount + 1,
    state: { running: { startedAt: now() } },
    lastState: { terminated: { exitCode: 255, reason: "Error", startedAt: now(), finishedAt: now() } },
  }));
  const conditions = ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map((type) => ({
    type,
    status: "True",
    lastTransitionTime: now(),
  }));
  try {
    await kube.patchStatus(PODS, { name, namespace }, { containerStatuses, conditions });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
