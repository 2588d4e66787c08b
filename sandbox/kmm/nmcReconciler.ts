import { type Context, sameJson, sendEvent } from "./context.ts";
import type { Line } from "./lines.ts";
import { inUseLabel, type ModuleKey, readyLabel, versionReadyLabel, WORKER_ACTION, WORKER_HASH } from "./names.ts";
import {
  NMCS,
  type Node,
  type NodeModule,
  type NodeModulesConfig,
  type NodeModuleStatus,
  NODES,
  type Pod,
} from "./resources.ts";
import { isReady, isSchedulable } from "./selection.ts";
import { createWorker, moduleOf, releaseAndDelete, type Worker, workerPod, workersOn } from "./workerPod.ts";
import { takeResults } from "./workerResults.ts";

/** NodeModulesConfig: loads and unloads on one node, by worker pods, until the node is as the object says. */
export async function reconcileNmc(context: Context, name: string): Promise<void> {
  const seen = await context.kube.find(NMCS, { name });
  const node = context.nodes.get(name);
  const workers = await workersOn(context, name);
  if (seen === undefined) {
    // Its pods are garbage by now, and only KMM's finalizer may still hold them.
    for (const worker of workers) await releaseAndDelete(context, worker);
    return;
  }
  if (node === undefined) return;
  const { nmc, remaining } = await takeResults(context, { nmc: seen, node, workers });
  const round: Round = { context, nmc, node, workers: remaining };
  if (await sparesTaintedNode(round)) return;
  for (const entry of nmc.spec?.modules ?? []) await pursue(round, entry);
  const statuses = nmc.status?.modules ?? [];
  for (const status of statuses) if (!isWanted(nmc, status)) await retire(round, status);
  await dropOrphans(round);
  await updateLabels(round);
}

interface Round {
  context: Context;
  nmc: NodeModulesConfig;
  node: Node;
  workers: Pod[];
}

const isOf = (a: ModuleKey, b: ModuleKey): boolean => a.name === b.name && a.namespace === b.namespace;
const isWanted = (nmc: NodeModulesConfig, key: ModuleKey): boolean =>
  nmc.spec?.modules?.some((each) => isOf(each, key)) === true;
const statusFor = (nmc: NodeModulesConfig, key: ModuleKey): NodeModuleStatus | undefined =>
  nmc.status?.modules?.find((each) => isOf(each, key));
const workerOf = ({ workers }: Round, key: ModuleKey): Pod | undefined =>
  workers.find((pod) => isOf(moduleOf(pod), key));

/** An entry that doesn't tolerate the node's taints keeps its worker, loses `.ready`, and ends the round. */
async function sparesTaintedNode({ context, nmc, node }: Round): Promise<boolean> {
  const repelled = (nmc.spec?.modules ?? []).filter((each) => !isSchedulable(node, each.tolerations ?? []));
  for (const key of repelled) await setReady(context, node, key, { ready: false, silent: true });
  return repelled.length > 0;
}

/** An entry of the spec: what is missing is loaded; what differs is unloaded first, unless the kernel is another. */
async function pursue(round: Round, entry: NodeModule): Promise<void> {
  const { context, nmc, node } = round;
  const worker = workerOf(round, entry);
  if (worker !== undefined) {
    await replaceIfOutdated(round, entry, worker);
    return;
  }
  const status = statusFor(nmc, entry);
  if (status === undefined) return createWorker(context, nmc, loading(entry));
  if (!sameJson(status.config, entry.config)) {
    const sameKernel = status.config.kernelVersion === entry.config.kernelVersion;
    return createWorker(context, nmc, sameKernel ? unloading(status) : loading(entry));
  }
  if (isReady(node) && node.status?.nodeInfo?.bootID !== status.bootId)
    await createWorker(context, nmc, loading(entry));
}

const hashOf = (pod: Pod): string | undefined => pod.metadata.annotations?.[WORKER_HASH];
const loading = (entry: NodeModule): Worker => ({ action: "Load", entry });
const unloading = (entry: NodeModule): Worker => ({ action: "Unload", entry });

/** Only a loader that has failed at least once is replaced by a newer one; one stuck in its init container never is. */
async function replaceIfOutdated({ context, nmc }: Round, entry: NodeModule, worker: Pod): Promise<void> {
  if (worker.metadata.deletionTimestamp !== undefined || worker.metadata.labels?.[WORKER_ACTION] !== "Load") return;
  const restarts = worker.status?.containerStatuses?.find(({ name }) => name === "worker")?.restartCount ?? 0;
  if (restarts > 0 && hashOf(worker) !== hashOf(workerPod(context.line, nmc, loading(entry))))
    await releaseAndDelete(context, worker);
}

/** An entry of the status that nobody wants: the module is unloaded, or was by the node's own reboot. */
async function retire(round: Round, status: NodeModuleStatus): Promise<void> {
  const { context, nmc, node } = round;
  const worker = workerOf(round, status);
  if (node.status?.nodeInfo?.bootID !== status.bootId) {
    await setStatuses(
      context,
      nmc,
      (nmc.status?.modules ?? []).filter((each) => !isOf(each, status)),
    );
  } else if (worker === undefined) await createWorker(context, nmc, unloading(status));
  else if (worker.metadata.labels?.[WORKER_ACTION] === "Load") await releaseAndDelete(context, worker);
}

async function setStatuses(context: Context, nmc: NodeModulesConfig, modules: NodeModuleStatus[]): Promise<void> {
  await context.kube.patchStatus(NMCS, { name: nmc.metadata.name ?? "" }, { modules });
}

/** Loaders of a Module that is in neither list. */
async function dropOrphans({ context, nmc, workers }: Round): Promise<void> {
  for (const worker of workers) {
    const key = moduleOf(worker);
    const orphan = !isWanted(nmc, key) && statusFor(nmc, key) === undefined;
    if (orphan && worker.metadata.deletionTimestamp === undefined) await releaseAndDelete(context, worker);
  }
}

/**
 * `.ready` comes when spec and status agree, and goes only when neither has the Module: it stays over reloads and
 * reboots. The in-use label goes with the last trace.
 */
async function updateLabels(round: Round): Promise<void> {
  const { context, nmc, node } = round;
  const name = nmc.metadata.name ?? "";
  const fresh = (await context.kube.find(NMCS, { name })) ?? nmc;
  for (const entry of fresh.spec?.modules ?? []) {
    const status = statusFor(fresh, entry);
    const loaded = sameJson(status?.config, entry.config);
    if (loaded && workerOf(round, entry) === undefined)
      await setReady(context, node, entry, { ready: true, version: status?.version });
  }
  const untraced = inUse(fresh).filter((key) => !isWanted(fresh, key) && statusFor(fresh, key) === undefined);
  for (const key of untraced) {
    if (workerOf(round, key) !== undefined) continue;
    await setReady(context, node, key, { ready: false });
    await context.kube.patch(NMCS, { name }, { metadata: { labels: { [inUseLabel(key)]: null } } });
  }
}

/** The Modules whose in-use label the object has. */
function inUse(nmc: NodeModulesConfig): ModuleKey[] {
  return Object.keys(nmc.metadata.labels ?? {}).flatMap((label) => {
    const match = /^beta\.kmm\.node\.kubernetes\.io\/([^.]+)\.(.+)\.module-in-use$/.exec(label);
    return match === null ? [] : [{ namespace: match[1] ?? "", name: match[2] ?? "" }];
  });
}

/** The label that comes and goes with `.ready`, and isn't looked at by itself: it keeps its version over a reload. */
const versionReady = (line: Line, key: ModuleKey, version: string | null | undefined): Record<string, string | null> =>
  line.versionReady && version !== undefined ? { [versionReadyLabel(key)]: version } : {};

/** Sets or removes the node's label; an event goes with a change, unless it is a taint's (`silent`). */
async function setReady(
  context: Context,
  node: Node,
  key: ModuleKey,
  { ready, version, silent = false }: { ready: boolean; version?: string | undefined; silent?: boolean },
): Promise<void> {
  const name = node.metadata.name ?? "";
  const current = await context.kube.get(NODES, { name });
  const label = readyLabel(key);
  if ((current.metadata.labels?.[label] !== undefined) === ready) return;
  const labels = { [label]: ready ? "" : null, ...versionReady(context.line, key, ready ? version : null) };
  await context.kube.patch(NODES, { name }, { metadata: { labels } });
  if (silent) return;
  const subject = { apiVersion: "v1", kind: "Node", name, uid: current.metadata.uid ?? "" };
  await sendEvent(context, subject, {
    type: "Normal",
    reason: ready ? "ModuleLoaded" : "ModuleUnloaded",
    message: `Module ${key.namespace}/${key.name} ${ready ? "loaded into" : "unloaded from"} the kernel`,
  });
}
