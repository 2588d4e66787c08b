import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { manager, webhookServer } from "../kmm/operator/services.ts";
import { nodeModulesBin } from "../paths.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";
import { kubeconfigFile } from "./credentials.ts";
import { send } from "./https.ts";
import { etcdClient } from "./seed.ts";
import type { Service } from "./service.ts";
import { filesOf, playedKmm, type ServiceName, type State } from "./state.ts";

/** `{ "secure-port": 1 }` to `--secure-port=1`. */
function flags(values: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

const etcd: Service = {
  name: "etcd",
  ports: ({ ports }) => [ports.etcd, ports.etcdPeer],
  graceMs: 5000,
  command({ dir, state, bin }) {
    const files = filesOf(dir);
    const client = `https://127.0.0.1:${state.ports.etcd}`;
    const peer = `https://127.0.0.1:${state.ports.etcdPeer}`;
    const tls = (prefix: string) => ({
      [`${prefix}client-cert-auth`]: true,
      [`${prefix}trusted-ca-file`]: files.ca,
      [`${prefix}cert-file`]: files.pki("etcd.crt"),
      [`${prefix}key-file`]: files.pki("etcd.key"),
    });
    const args = flags({
      name: "sandbox",
      "data-dir": files.etcdData,
      "listen-client-urls": client,
      "advertise-client-urls": client,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": `sandbox=${peer}`,
      ...tls(""),
      ...tls("peer-"),
      "log-level": "warn",
    });
    // A sandbox needn't outlive a power cut, and fsync costs most of the start-up.
    return { file: bin.etcd, args: [...args, "--unsafe-no-fsync"] };
  },
  async ready({ dir, state }) {
    const ca = await readFile(filesOf(dir).ca, "utf8");
    const answer = await send({ port: state.ports.etcd, path: "/health", ca, client: await etcdClient(dir) });
    return answer.status === 200;
  },
};

const apiServer: Service = {
  name: "kube-apiserver",
  ports: ({ ports }) => [ports.apiServer],
  graceMs: 15_000,
  command({ dir, state, bin }) {
    const files = filesOf(dir);
    const args = flags({
      "etcd-servers": `https://127.0.0.1:${state.ports.etcd}`,
      "etcd-cafile": files.ca,
      "etcd-certfile": files.pki("etcd.crt"),
      "etcd-keyfile": files.pki("etcd.key"),
      "bind-address": "127.0.0.1",
      "secure-port": state.ports.apiServer,
      "tls-cert-file": files.pki("kube-apiserver.crt"),
      "tls-private-key-file": files.pki("kube-apiserver.key"),
      "token-auth-file": files.tokens,
      "authorization-mode": "Node,RBAC",
      // The reconciler would publish the server's address for pods, and refuses a loopback one. There are no real pods.
      "endpoint-reconciler-type": "none",
      "service-cluster-ip-range": "10.96.0.0/16",
      "service-account-issuer": "https://kubernetes.default.svc",
      "service-account-key-file": files.pki("service-accounts.pub"),
      "service-account-signing-key-file": files.pki("service-accounts.key"),
      "allow-privileged": true,
      // The nodes' names are in no DNS; their kubelets (for `kubectl logs`) are on loopback.
      "kubelet-preferred-address-types": "InternalIP",
      "audit-policy-file": existsSync(files.auditPolicy)
        ? files.auditPolicy
        : join(import.meta.dirname, "audit-policy.yaml"),
      "audit-log-path": files.auditLog,
      "audit-log-maxsize": 2000,
      profiling: false,
    });
    return { file: bin["kube-apiserver"], args };
  },
  async ready({ dir, state }) {
    const ca = await readFile(filesOf(dir).ca, "utf8");
    return (await send({ port: state.ports.apiServer, path: "/readyz", ca })).status === 200;
  },
};

/**
 * What a cluster needs to finish deletes, to give namespaces their service account, to count disruptions, and to
 * taint cordoned and unready nodes (KMM reads those taints). No scheduler: pods of the sandbox name their node.
 */
const controllers = [
  "namespace-controller",
  "garbage-collector-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "root-ca-certificate-publisher-controller",
  "clusterrole-aggregation-controller",
  "disruption-controller",
  "node-lifecycle-controller",
  "taint-eviction-controller",
  "pod-garbage-collector-controller",
  "deployment-controller",
  "replicaset-controller",
  "statefulset-controller",
];

const controllerManager: Service = {
  name: "kube-controller-manager",
  ports: () => [],
  graceMs: 5000,
  command({ dir, bin }) {
    const files = filesOf(dir);
    const kubeconfig = kubeconfigFile(dir, "kube-controller-manager.kubeconfig");
    const args = flags({
      kubeconfig,
      controllers: controllers.join(","),
      "leader-elect": false,
      "secure-port": 0,
      "service-account-private-key-file": files.pki("service-accounts.key"),
      "root-ca-file": files.ca,
      profiling: false,
    });
    return { file: bin["kube-controller-manager"], args };
  },
  // It listens nowhere. Its controllers catch up with what happened before they ran, so nobody has to wait for them.
  ready: () => Promise.resolve(true),
};

const kwok: Service = {
  name: "kwok",
  ports: () => [],
  graceMs: 5000,
  command({ dir, bin }) {
    const args = flags({
      kubeconfig: kubeconfigFile(dir, "kwok.kubeconfig"),
      config: join(import.meta.dirname, "stages.yaml"),
      "manage-nodes-with-annotation-selector": "kwok.x-k8s.io/node=fake",
      "node-lease-duration-seconds": 0,
    });
    return { file: bin.kwok, args };
  },
  ready: () => Promise.resolve(true),
};

const standIns: Service = {
  name: "stand-ins",
  ports: ({ ports }) => [ports.gateway],
  graceMs: 8000,
  command({ dir }) {
    return {
      file: join(nodeModulesBin, "node"),
      args: [join(dirname(import.meta.dirname), "standins.ts"), "--dir", dir],
    };
  },
  async ready({ dir, state }) {
    const { standInsReady, ca } = filesOf(dir);
    const ready = `${state.processes["stand-ins"]?.pid ?? ""} ${playedKmm(state)}`;
    if ((await readFile(standInsReady, "utf8")).trim() !== ready) return false;
    const path = "/readyz";
    return (await send({ port: state.ports.gateway, path, ca: await readFile(ca, "utf8") })).status === 200;
  },
};

/** All services, in the order in which they start; they stop in the opposite one. */
export const services: readonly Service[] = [
  etcd,
  apiServer,
  controllerManager,
  kwok,
  standIns,
  webhookServer,
  manager,
];

/** Those that this sandbox has. */
export function servicesOf({ kmmFolder }: State): Service[] {
  return services.filter((service) => kmmFolder !== undefined || (service !== webhookServer && service !== manager));
}

/** The service of this name. */
export function serviceOf(name: ServiceName): Service {
  const found = services.find((service) => service.name === name);
  if (!found) throw new Error(`no service ${name}`);
  return found;
}

/** Environment of every service: what it needs to find programs, and none of the user's secrets. */
export function serviceEnv(bin: Toolchain["bin"], env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const tools = [nodeModulesBin, ...new Set(Object.values(bin).map((file) => dirname(file)))];
  return {
    PATH: [...tools, env["PATH"] ?? ""].join(delimiter),
    HOME: env["HOME"],
    LANG: "C.UTF-8",
    TZ: env["TZ"],
    TMPDIR: env["TMPDIR"],
  };
}
