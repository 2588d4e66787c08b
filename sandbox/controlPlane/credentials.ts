import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { filesOf, type Ports } from "./state.ts";

/**
 * Who talks to the API server. Each has a user of its own, so that the audit log tells who did what; tokens and not
 * client certificates, because tokens pass through the gateway. The stand-ins are administrators: what OpenShift's
 * and KMM's operators may do is installed by their own packages, which the sandbox doesn't have.
 */
const accounts = [
  { kubeconfig: "kubeconfig", user: "admin", through: "gateway" },
  { kubeconfig: "standins.kubeconfig", user: "sandbox:installer", through: "apiServer" },
  {
    kubeconfig: "kmm.kubeconfig",
    user: "system:serviceaccount:openshift-kmm:kmm-operator-controller",
    through: "apiServer",
  },
  {
    kubeconfig: "openshift.kubeconfig",
    user: "system:serviceaccount:openshift-infra:build-controller",
    through: "apiServer",
  },
  { kubeconfig: "nodes.kubeconfig", user: "sandbox:nodes", through: "apiServer" },
  { kubeconfig: "kwok.kubeconfig", user: "sandbox:kwok", through: "apiServer" },
  {
    kubeconfig: "kube-controller-manager.kubeconfig",
    user: "system:kube-controller-manager",
    through: "apiServer",
  },
] as const;

/** File name of one of the kubeconfigs in the state directory. */
export type KubeconfigName = (typeof accounts)[number]["kubeconfig"];

/** Absolute path of a kubeconfig of this sandbox. */
export function kubeconfigFile(dir: string, name: KubeconfigName): string {
  return join(dir, name);
}

/** Makes new tokens, the API server's token file, and a kubeconfig for each user, each with one context, `sandbox`. */
export async function makeCredentials(dir: string, ports: Ports): Promise<void> {
  const files = filesOf(dir);
  const ca = await readFile(files.ca);
  const lines: string[] = [];
  for (const { kubeconfig, user, through } of accounts) {
    const token = randomBytes(24).toString("base64url");
    lines.push(`${token},${user},${user},"system:masters"`);
    const text = stringify(kubeconfigObject({ server: serverAt(ports[through]), ca, user, token }));
    await writeFile(kubeconfigFile(dir, kubeconfig), text, { mode: 0o600 });
  }
  await writeFile(files.tokens, `${lines.join("\n")}\n`, { mode: 0o600 });
}

/** Has every kubeconfig name the server's port, and leaves the rest of it alone: the sandbox may have had to move. */
export async function nameServers(dir: string, ports: Ports): Promise<void> {
  for (const { kubeconfig, through } of accounts) {
    const file = kubeconfigFile(dir, kubeconfig);
    const config = parse(await readFile(file, "utf8")) as Kubeconfig;
    const server = serverAt(ports[through]);
    const cluster = config.clusters.find(({ name }) => name === "sandbox")?.cluster;
    if (cluster === undefined || cluster.server === server) continue;
    cluster.server = server;
    await writeFile(`${file}.new`, stringify(config), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}

/** As much of a kubeconfig as is read here. */
interface Kubeconfig {
  clusters: { name: string; cluster: { server: string } }[];
}

const serverAt = (port: number): string => `https://127.0.0.1:${port}`;

/** A kubeconfig's content. The certificate is inside, so that the file can be copied elsewhere. */
function kubeconfigObject(o: { server: string; ca: Buffer; user: string; token: string }): unknown {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "sandbox", cluster: { server: o.server, "certificate-authority-data": o.ca.toString("base64") } },
    ],
    users: [{ name: o.user, user: { token: o.token } }],
    contexts: [{ name: "sandbox", context: { cluster: "sandbox", user: o.user } }],
    "current-context": "sandbox",
  };
}
