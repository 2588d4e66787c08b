import type { StoredImage } from "./machine.ts";
import type { Container, ContainerState, ContainerStatus, Pod } from "./shapes.ts";

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

/** A container that waits, for `reason` in the kubelet's words. */
export const waiting = (reason: string, message?: string): ContainerState => ({
  waiting: { reason, ...(message === undefined ? {} : { message }) },
});

/** A container that has ended. `message` is its termination message. */
export const terminated = (exitCode: number, message?: string): ContainerState => ({
  terminated: {
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    startedAt: now(),
    finishedAt: now(),
    ...(message === undefined ? {} : { message }),
  },
});

/** One container's entry; `image` is absent while there is none on the node. */
export const containerStatus = (
  container: Container,
  state: ContainerState,
  more: { image?: StoredImage; restartCount?: number; lastState?: ContainerState } = {},
): ContainerStatus => ({
  name: container.name,
  image: container.image,
  imageID: more.image?.digest ?? "",
  ready: state.terminated?.exitCode === 0,
  started: false,
  restartCount: more.restartCount ?? 0,
  state,
  lastState: more.lastState ?? {},
});

/** The status of a whole pod, in the form of a merge patch. */
export function podStatus(
  phase: string,
  statuses: { init?: ContainerStatus[]; main: ContainerStatus[] },
): Record<string, unknown> {
  const condition = (type: string, holds: boolean, reason: string): Record<string, string> => ({
    type,
    status: holds ? "True" : "False",
    lastTransitionTime: now(),
    ...(holds ? {} : { reason }),
  });
  const initialized = (statuses.init ?? []).every((status) => status.state.terminated?.exitCode === 0);
  const done = phase === "Succeeded" ? "PodCompleted" : "ContainersNotReady";
  return {
    phase,
    startTime: now(),
    hostIP: "127.0.0.1",
    hostIPs: [{ ip: "127.0.0.1" }],
    conditions: [
      condition("Initialized", initialized, "ContainersNotInitialized"),
      condition("Ready", false, done),
      condition("ContainersReady", false, done),
      condition("PodScheduled", true, ""),
    ],
    ...(statuses.init === undefined ? {} : { initContainerStatuses: statuses.init }),
    containerStatuses: statuses.main,
  };
}

/** Has the pod ended? */
export const isOver = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

/**
 * The last word about a pod that is being deleted: containers that never ran, or were killed, make it Failed. KMM lifts
 * its finalizer only when it sees a final phase.
 */
export function endedStatus(pod: Pod): Record<string, unknown> {
  const killed = (container: Container): ContainerStatus => containerStatus(container, terminated(137));
  const init = pod.status?.initContainerStatuses ?? pod.spec?.initContainers?.map(killed);
  return podStatus("Failed", { ...(init === undefined ? {} : { init }), main: pod.spec?.containers.map(killed) ?? [] });
}
