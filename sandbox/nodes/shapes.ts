import type { KubeObject, Resource } from "../kube.ts";

/** `spec.taints[]` of a Node. */
export interface Taint {
  key: string;
  value?: string;
  effect: string;
  timeAdded?: string;
}

/** `status.conditions[]` of a Node. */
export interface NodeCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastHeartbeatTime?: string;
  lastTransitionTime?: string;
}

/** A Node, as far as the kubelet's part writes or reads it. */
export interface Node extends KubeObject {
  spec?: { taints?: Taint[]; unschedulable?: boolean };
  status?: {
    conditions?: NodeCondition[];
    nodeInfo?: Record<string, string>;
    addresses?: { type: string; address: string }[];
    capacity?: Record<string, string>;
    allocatable?: Record<string, string>;
    daemonEndpoints?: { kubeletEndpoint: { Port: number } };
  };
}

/** `status.containerStatuses[].state`: exactly one of the three. */
export interface ContainerState {
  waiting?: { reason: string; message?: string };
  running?: { startedAt: string };
  terminated?: { exitCode: number; reason: string; startedAt: string; finishedAt: string; message?: string };
}

/** An entry of `status.containerStatuses` or `status.initContainerStatuses`. */
export interface ContainerStatus {
  name: string;
  image: string;
  imageID: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  state: ContainerState;
  lastState: ContainerState;
}

/** A container of a Pod's spec. */
export interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  terminationMessagePolicy?: string;
  command?: string[];
  args?: string[];
  volumeMounts?: { name: string; mountPath: string }[];
  securityContext?: { privileged?: boolean; seLinuxOptions?: { type?: string } };
}

/** `spec.tolerations[]` of a Pod. */
export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

/** One of the alternatives of a required node affinity. */
interface SelectorTerm {
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** A Pod, as far as the kubelet's part and the scheduler's part look at it. */
export interface Pod extends KubeObject {
  spec?: {
    nodeName?: string;
    schedulerName?: string;
    schedulingGates?: unknown[];
    nodeSelector?: Record<string, string>;
    tolerations?: Toleration[];
    affinity?: {
      nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: SelectorTerm[] } };
    };
    restartPolicy?: string;
    imagePullSecrets?: { name?: string }[];
    volumes?: { name: string; hostPath?: { path: string; type?: string } }[];
    containers: Container[];
    initContainers?: Container[];
  };
  status?: {
    phase?: string;
    startTime?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

/** A node's Lease in `kube-node-lease`. */
export interface Lease extends KubeObject {
  spec?: { holderIdentity: string; leaseDurationSeconds: number; renewTime: string };
}

const core = { group: "", version: "v1" } as const;

export const NODES: Resource<Node> = { ...core, plural: "nodes", kind: "Node", namespaced: false };
export const PODS: Resource<Pod> = { ...core, plural: "pods", kind: "Pod", namespaced: true };
export const EVENTS: Resource = { ...core, plural: "events", kind: "Event", namespaced: true };
export const LEASES: Resource<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
};
