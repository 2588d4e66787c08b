import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { controllerOf, ownerReference } from "../kube.ts";
import { WORKER_IMAGE } from "../openshift/images.ts";
import { canonical, type Context } from "./context.ts";
import type { Line } from "./lines.ts";
import {
  type ModuleKey,
  MODULE_NAME,
  MODULES_ORDER,
  WORKER_ACTION,
  WORKER_CONFIG,
  WORKER_FINALIZER,
  WORKER_HASH,
  WORKER_TOLERATIONS,
  WORKER_VERSION,
} from "./names.ts";
import { type ModuleConfig, NMCS, type NodeModule, type NodeModulesConfig, type Pod, PODS } from "./resources.ts";

/** What a worker pod does, and for which entry of a NodeModulesConfig's spec (Load) or status (Unload). */
export interface Worker {
  action: "Load" | "Unload";
  entry: NodeModule;
}

/** KMM's worker pods on a node. */
export async function workersOn(context: Context, node: string): Promise<Pod[]> {
  const scope = { labelSelector: WORKER_ACTION, fieldSelector: `spec.nodeName=${node}` };
  const { items } = await context.kube.list(PODS, scope);
  return items.filter((pod) => controllerOf(pod)?.kind === NMCS.kind);
}

/** The Module whose worker this is. */
export const moduleOf = ({ metadata }: Pod): ModuleKey => ({
  namespace: metadata.namespace ?? "",
  name: metadata.labels?.[MODULE_NAME] ?? "",
});

/** Creates the worker. A missing service account is the API server's "forbidden", which only the log shows. */
export async function createWorker(context: Context, nmc: NodeModulesConfig, worker: Worker): Promise<void> {
  await context.kube.create(PODS, workerPod(context.line, nmc, worker));
}

/** The worker pod as KMM makes it: bound to its node without a scheduler, held by a finalizer. */
export function workerPod(line: Line, nmc: NodeModulesConfig, { action, entry }: Worker): Pod {
  const node = nmc.metadata.name ?? "";
  const { config, imageRepoSecret, tolerations = [] } = entry;
  // One modprobe -r with the whole order needs no softdeps.
  const ordered = action === "Load" || !line.unloadsAtOnce;
  const annotations = {
    [WORKER_CONFIG]: stringify(config),
    [WORKER_TOLERATIONS]: JSON.stringify(tolerations),
    ...(ordered ? modulesOrder(config) : {}),
    ...(action === "Load" && entry.version !== undefined ? { [WORKER_VERSION]: entry.version } : {}),
  };
  const spec = {
    nodeName: node,
    restartPolicy: "OnFailure",
    serviceAccountName: entry.serviceAccountName ?? "default",
    ...(imageRepoSecret === undefined ? {} : { imagePullSecrets: [imageRepoSecret] }),
    tolerations,
    initContainers: [extractor(config)],
    containers: [workerContainer(line, action, config)],
    volumes: volumes(line, config, { ordered }),
  };
  const hash = createHash("sha256").update(canonical({ annotations, spec })).digest("hex").slice(0, 16);
  return {
    metadata: {
      name: `kmm-worker-${node}-${entry.name}`,
      namespace: entry.namespace,
      labels: { "app.kubernetes.io/component": "worker", [MODULE_NAME]: entry.name, [WORKER_ACTION]: action },
      annotations: { ...annotations, [WORKER_HASH]: hash },
      finalizers: [WORKER_FINALIZER],
      ownerReferences: [ownerReference(NMCS, nmc)],
    },
    spec,
  };
}

/** `modulesLoadingOrder: [A, B, C]` becomes `softdep A pre: B` and `softdep B pre: C`. */
function modulesOrder({ modprobe: { modulesLoadingOrder: order = [] } }: ModuleConfig): Record<string, string> {
  if (order.length === 0) return {};
  const lines = order.slice(1).map((before, index) => `softdep ${order[index] ?? ""} pre: ${before}\n`);
  return { [MODULES_ORDER]: lines.join("") };
}

/** The init container: the Module's own image, which copies its modules out. */
function extractor(config: ModuleConfig): { name: string; image: string } & Record<string, unknown> {
  const directory = `${config.modprobe.dirName ?? "/opt"}/lib/modules`;
  const copy = `mkdir -p /tmp${directory}; cp -R ${directory}/${config.kernelVersion} /tmp${directory}`;
  return {
    name: "image-extractor",
    image: config.containerImage,
    ...(config.imagePullPolicy === undefined ? {} : { imagePullPolicy: config.imagePullPolicy }),
    command: ["/bin/sh", "-c", copy],
    volumeMounts: [{ name: "volume-tmp", mountPath: "/tmp" }],
  };
}

function workerContainer(
  { mountsUsrLibModules }: Line,
  action: Worker["action"],
  config: ModuleConfig,
): { name: string; image: string } & Record<string, unknown> {
  const firmware = config.modprobe.firmwarePath !== undefined && config.modprobe.firmwarePath !== "";
  const capabilities = { allowPrivilegeEscalation: false, capabilities: { add: ["SYS_MODULE"] } };
  return {
    name: "worker",
    image: WORKER_IMAGE,
    args: ["kmod", action.toLowerCase(), "/etc/kmm-worker/config.yaml"],
    securityContext: {
      ...(firmware ? { privileged: true } : capabilities),
      runAsUser: 0,
      seLinuxOptions: { type: "spc_t" },
    },
    volumeMounts: [
      { name: "volume-config", mountPath: "/etc/kmm-worker", readOnly: true },
      { name: "volume-lib-modules", mountPath: "/lib/modules", readOnly: true },
      ...(mountsUsrLibModules
        ? [{ name: "volume-usr-lib-modules", mountPath: "/usr/lib/modules", readOnly: true }]
        : []),
      { name: "volume-tmp", mountPath: "/tmp", readOnly: true },
      ...(firmware ? [{ name: "volume-firmware", mountPath: "/var/lib/firmware" }] : []),
    ],
  };
}

function volumes(
  { mountsUsrLibModules }: Line,
  config: ModuleConfig,
  { ordered }: { ordered: boolean },
): Record<string, unknown>[] {
  const host = (name: string, path: string): Record<string, unknown> => ({
    name,
    hostPath: { path, type: "Directory" },
  });
  const annotation = (path: string, name: string): Record<string, unknown> => ({
    path,
    fieldRef: { fieldPath: `metadata.annotations['${name}']` },
  });
  const hasOrder = ordered && modulesOrder(config)[MODULES_ORDER] !== undefined;
  const order = hasOrder ? [annotation("softdep.conf", MODULES_ORDER)] : [];
  const firmware = config.modprobe.firmwarePath ?? "";
  return [
    { name: "volume-config", downwardAPI: { items: [annotation("config.yaml", WORKER_CONFIG), ...order] } },
    host("volume-lib-modules", "/lib/modules"),
    ...(mountsUsrLibModules ? [host("volume-usr-lib-modules", "/usr/lib/modules")] : []),
    { name: "volume-tmp", emptyDir: {} },
    ...(firmware === "" ? [] : [host("volume-firmware", "/var/lib/firmware")]),
  ];
}

/** Lifts KMM's finalizer and deletes the pod; a running one is then ended by its kubelet. */
export async function releaseAndDelete(context: Context, pod: Pod): Promise<void> {
  const { namespace, name = "", finalizers = [], uid, deletionTimestamp } = pod.metadata;
  const remaining = finalizers.filter((each) => each !== WORKER_FINALIZER);
  if (remaining.length !== finalizers.length) {
    await context.kube.patch(PODS, { namespace, name }, { metadata: { uid, finalizers: remaining } });
  }
  if (deletionTimestamp === undefined) await context.kube.delete(PODS, { namespace, name }, { preconditions: { uid } });
}
