import type { Machine } from "./machine.ts";
import type { Node, NodeCondition } from "./shapes.ts";

/** What the cluster sees of a node's kubelet: posting Ready, posting that it isn't yet, or silent for too long. */
export type Readiness = "ready" | "starting" | "unknown";

const READY: Record<Readiness, Omit<NodeCondition, "type">> = {
  ready: { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" },
  starting: {
    status: "False",
    reason: "KubeletNotReady",
    message: "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady",
  },
  unknown: { status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." },
};

const PRESSURES = [
  ["MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
] as const;

/** All conditions of a node; `at` is when the readiness changed last (RFC 3339). */
function conditions(readiness: Readiness, at: string): NodeCondition[] {
  const times = { lastHeartbeatTime: at, lastTransitionTime: at };
  const gone = { status: "Unknown", reason: READY.unknown.reason, message: READY.unknown.message } as const;
  const pressures = PRESSURES.map(([type, reason, message]): NodeCondition => ({
    type,
    ...(readiness === "unknown" ? gone : { status: "False", reason, message }),
    ...times,
  }));
  return [...pressures, { type: "Ready", ...READY[readiness], ...times }];
}

/** The whole status that a kubelet posts. `logPort`: where it serves containers' logs (0: nowhere yet). */
export function nodeStatus(
  machine: Machine,
  logPort: number,
  readiness: Readiness = "ready",
): NonNullable<Node["status"]> {
  const resources = { cpu: "16", memory: "65536Mi", pods: "250", "ephemeral-storage": "120Gi" };
  return {
    capacity: resources,
    allocatable: resources,
    conditions: conditions(readiness, new Date().toISOString()),
    addresses: [
      { type: "InternalIP", address: "127.0.0.1" },
      { type: "Hostname", address: machine.spec.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: logPort } },
    nodeInfo: nodeInfo(machine),
  };
}

/** `status.nodeInfo`, from what the machine itself shows. */
const nodeInfo = (machine: Machine): Record<string, string> => ({
  architecture: "amd64",
  operatingSystem: "linux",
  bootID: machine.bootId,
  machineID: machine.machineId,
  systemUUID: machine.systemUuid,
  kernelVersion: machine.kernel,
  osImage: machine.osImage,
  containerRuntimeVersion: "cri-o://1.32.9-2.rhaos4.19.git0c4d9b1.el9",
  kubeletVersion: "v1.32.9",
  kubeProxyVersion: "",
});
