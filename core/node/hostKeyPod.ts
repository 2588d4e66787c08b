/*
 * The pod by which a node's SSH host keys are read through the API. It is what `oc debug node` makes, with less: of the node it
 * sees /etc/ssh alone, read-only, as a user who may read its public key files and nothing else there, without a network
 * of the node's, capabilities or a token. The keys come back as the container's termination message, which the node's
 * kubelet writes into the pod's status with its own credentials: no right to read logs is needed, and one question tells of
 * all nodes.
 */

import { hostKeyPodLifetimeSeconds } from "../patience.ts";

/** The user `nobody`; the private keys belong to root. */
const nobody = 65534;

/** A name for the ServiceAccount and the container. */
const reader = "host-keys";

/** Marks the namespace, for anyone who finds one that was left behind. */
const readerLabel = { "app.kubernetes.io/managed-by": "onload-kmm-init" } as const;

/**
 * The namespace with its ServiceAccount. Pod Security Admission refuses a hostPath elsewhere, OpenShift's default node selector
 * would keep the pod from some nodes, and the ServiceAccount `default` isn't there at once.
 */
export const readerNamespace = (namespace: string): object[] => [
  {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: namespace,
      labels: {
        ...readerLabel,
        "pod-security.kubernetes.io/enforce": "privileged",
        "pod-security.kubernetes.io/audit": "privileged",
        "pod-security.kubernetes.io/warn": "privileged",
        "security.openshift.io/scc.podSecurityLabelSync": "false",
      },
      annotations: { "openshift.io/node-selector": "" },
    },
  },
  {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: reader, namespace },
    automountServiceAccountToken: false,
  },
];

/** The pod for one node; `index` makes its name, for a node's name may be longer than a pod's. */
export const readerPod = (namespace: string, node: string, index: number, image: string): object => ({
  apiVersion: "v1",
  kind: "Pod",
  // The SELinux type needs this SecurityContextConstraint; the user who creates the pod must be allowed to use it.
  metadata: { name: `${reader}-${index}`, namespace, annotations: { "openshift.io/required-scc": "privileged" } },
  spec: {
    nodeName: node,
    serviceAccountName: reader,
    automountServiceAccountToken: false,
    restartPolicy: "Never",
    activeDeadlineSeconds: hostKeyPodLifetimeSeconds,
    terminationGracePeriodSeconds: 0,
    // A node in maintenance, or with taints of its own, has keys like any other.
    tolerations: [{ operator: "Exists" }],
    containers: [
      {
        name: reader,
        image,
        command: ["/bin/sh", "-c", "cat /host/etc/ssh/ssh_host_*_key.pub > /dev/termination-log"],
        terminationMessagePolicy: "FallbackToLogsOnError",
        securityContext: {
          runAsUser: nobody,
          runAsGroup: nobody,
          runAsNonRoot: true,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
          // SELinux keeps a container's own type from the host's files, whatever their modes are.
          seLinuxOptions: { type: "spc_t" },
        },
        volumeMounts: [{ name: "ssh", mountPath: "/host/etc/ssh", readOnly: true }],
        resources: { requests: { cpu: "10m", memory: "16Mi" } },
      },
    ],
    volumes: [{ name: "ssh", hostPath: { path: "/etc/ssh", type: "Directory" } }],
  },
});

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly exitCode: number; readonly reason?: string; readonly message?: string };
}

/** Such a pod, as far as its keys are read from it. */
export interface ReaderPod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly containerStatuses?: readonly { readonly state?: ContainerState }[];
  };
}

/** What a pod has come to: the key files' text, a failure for good, or what it still waits for. */
export type Reading = { readonly text: string } | { readonly failed: string } | { readonly waiting: string };

export function readingOf({ status = {} }: ReaderPod): Reading {
  const { waiting, terminated } = status.containerStatuses?.[0]?.state ?? {};
  if (terminated?.exitCode === 0) return { text: terminated.message ?? "" };
  if (terminated !== undefined) return { failed: wordsOf(terminated) };
  return status.phase === "Failed" ? { failed: wordsOf(status) } : { waiting: wordsOf(waiting) };
}

/** Reason and message, as far as there are any. */
const wordsOf = (told: { readonly reason?: string; readonly message?: string } = {}): string =>
  [told.reason, told.message?.trim()].filter((part) => part !== undefined && part !== "").join(": ") ||
  "no word of its pod";
