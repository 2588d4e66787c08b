import { createHash } from "node:crypto";
import { isAlreadyExists, Kube } from "../kube.ts";
import { newMachine, type Machine } from "./machine.ts";
import { nodeStatus } from "./nodeStatus.ts";
import { NODES, type Node } from "./shapes.ts";
import { KWOK_ANNOTATION, SPEC_ANNOTATION, type NodeSpec } from "./spec.ts";

/**
 * Registers the nodes as their kubelets would: Ready at once, so that nobody has to wait for the process that plays
 * them. A Node that is there already stays as it is. `kubeconfig` is a path.
 */
export async function installNodes(kubeconfig: string, nodes: NodeSpec[]): Promise<void> {
  const kube = await Kube.fromKubeconfig(kubeconfig);
  try {
    await Promise.all(nodes.map((spec) => registerNode(kube, newMachine(spec))));
  } finally {
    kube.close();
  }
}

/** Creates the machine's Node object unless it exists. */
export async function registerNode(kube: Kube, machine: Machine, logPort = 0): Promise<void> {
  try {
    await kube.create(NODES, nodeOf(machine, logPort));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

const CONTROL_PLANE = ["control-plane", "master"];

/** The Node object that a kubelet registers, with what OpenShift and node feature discovery put on it. */
function nodeOf(machine: Machine, logPort = 0): Node {
  const { spec } = machine;
  const pool = spec.role === "worker" ? "worker" : "master";
  const rendered = `rendered-${pool}-${createHash("md5").update(pool).digest("hex")}`;
  const roles = { worker: ["worker"], "control-plane": CONTROL_PLANE, both: [...CONTROL_PLANE, "worker"] }[spec.role];
  return {
    metadata: {
      name: spec.name,
      labels: {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        "node.openshift.io/os_id": "rhel",
        ...Object.fromEntries(roles.map((role) => [`node-role.kubernetes.io/${role}`, ""])),
        ...(spec.solarflare ? { "feature.node.kubernetes.io/pci-1924.present": "true" } : {}),
      },
      annotations: {
        ...KWOK_ANNOTATION,
        [SPEC_ANNOTATION]: JSON.stringify(spec),
        "machineconfiguration.openshift.io/currentConfig": rendered,
        "machineconfiguration.openshift.io/desiredConfig": rendered,
        "machineconfiguration.openshift.io/state": "Done",
      },
    },
    spec:
      spec.role === "control-plane"
        ? { taints: [{ key: "node-role.kubernetes.io/master", effect: "NoSchedule" }] }
        : {},
    status: nodeStatus(machine, logPort),
  };
}
