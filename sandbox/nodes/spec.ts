/** One node of the sandbox, as it was ordered. Its living state is a {@link Machine}. */
export interface NodeSpec {
  name: string;
  /** `uname -r`, for example `5.14.0-570.49.1.el9_6.x86_64`. */
  kernel: string;
  /** `nodeInfo.osImage`; KMM reads the operating system's version from it to find the Driver Toolkit. */
  osImage: string;
  /** `both`: a control-plane node that takes workloads, as on a compact or single-node cluster. */
  role: "worker" | "control-plane" | "both";
  /** Has two Solarflare interfaces, and the label that node feature discovery would give it. */
  solarflare: boolean;
  secureBoot: boolean;
  /** The default route goes through a Solarflare interface: unloading in-tree `sfc` would cut the node off. */
  ownNetworkOnSolarflare?: boolean;
  /** A machine of its own, with a kubelet elsewhere: the sandbox has its Node and plays nothing of it. */
  external?: boolean;
}

/** Annotation that carries a node's {@link NodeSpec} from the installation to the process that plays the node. */
export const SPEC_ANNOTATION = "sandbox.onload-kmm.io/machine";

/** kwok plays the ordinary pods of the Nodes that bear this annotation. */
export const KWOK_ANNOTATION = { "kwok.x-k8s.io/node": "fake" } as const;
