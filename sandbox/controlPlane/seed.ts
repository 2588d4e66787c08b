import { readFile } from "node:fs/promises";
import { send } from "./https.ts";
import { filesOf, type State } from "./state.ts";

const key = "/registry/namespaces/kube-system";

/** The namespace as the API server stores it. It reads JSON as well as its own protobuf. */
function kubeSystem(uid: string, now: Date): unknown {
  return {
    kind: "Namespace",
    apiVersion: "v1",
    metadata: {
      name: "kube-system",
      uid,
      creationTimestamp: now.toISOString().replace(/\.\d+Z$/, "Z"),
      labels: { "kubernetes.io/metadata.name": "kube-system" },
    },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
}

/**
 * Puts kube-system into etcd before the API server's first start, through etcd's JSON gateway: its UID is the
 * cluster's identity, and the API server would choose a random one. One transaction that does nothing when the
 * namespace is already there.
 */
export async function seedClusterId(dir: string, state: State): Promise<void> {
  const files = filesOf(dir);
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const answer = await send({
    method: "POST",
    port: state.ports.etcd,
    path: "/v3/kv/txn",
    ca: await readFile(files.ca, "utf8"),
    client: await etcdClient(dir),
    body: {
      compare: [{ key: base64(key), target: "VERSION", version: 0 }],
      success: [
        {
          requestPut: { key: base64(key), value: base64(JSON.stringify(kubeSystem(state.clusterId, new Date()))) },
        },
      ],
    },
  });
  if (answer.status !== 200) throw new Error(`etcd refused the first write: ${answer.status} ${answer.body}`);
}

/** The client certificate that etcd asks for. */
export async function etcdClient(dir: string): Promise<{ cert: string; key: string }> {
  const { pki } = filesOf(dir);
  return { cert: await readFile(pki("etcd.crt"), "utf8"), key: await readFile(pki("etcd.key"), "utf8") };
}
