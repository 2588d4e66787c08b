import { parse } from "yaml";
import { isObjectMissing } from "../kube.ts";
import type { Context } from "./context.ts";
import { WORKER_ACTION, WORKER_CONFIG, WORKER_TOLERATIONS, WORKER_VERSION } from "./names.ts";
import {
  type ModuleConfig,
  NMCS,
  type Node,
  type NodeModulesConfig,
  type NodeModuleStatus,
  type Pod,
  type Toleration,
} from "./resources.ts";
import { moduleOf, releaseAndDelete } from "./workerPod.ts";

/** One node's object and its workers. */
export interface NodeState {
  nmc: NodeModulesConfig;
  node: Node;
  workers: Pod[];
}

/**
 * Takes down what ended workers did (a loader that succeeded with the node's bootId of now) and removes them; a failed
 * one is removed to be made again. Answers the object as it is then, and the workers that are still at it.
 */
export async function takeResults(
  context: Context,
  { nmc, node, workers }: NodeState,
): Promise<{ nmc: NodeModulesConfig; remaining: Pod[] }> {
  let current = nmc;
  const remaining: Pod[] = [];
  for (const worker of workers) {
    const phase = worker.status?.phase;
    if (phase !== "Succeeded" && phase !== "Failed") {
      remaining.push(worker);
      continue;
    }
    if (phase === "Succeeded") current = await record(context, current, node, worker);
    await releaseAndDelete(context, worker).catch(unlessGone);
  }
  return { nmc: current, remaining };
}

async function record(context: Context, nmc: NodeModulesConfig, node: Node, worker: Pod): Promise<NodeModulesConfig> {
  const key = moduleOf(worker);
  const others = (nmc.status?.modules ?? []).filter(
    (each) => each.name !== key.name || each.namespace !== key.namespace,
  );
  const loaded = worker.metadata.labels?.[WORKER_ACTION] === "Load";
  const modules = loaded ? [...others, statusFrom(worker, node)] : others;
  return context.kube.patchStatus(NMCS, { name: nmc.metadata.name ?? "" }, { modules });
}

/** What a loader loaded, as its annotations say: the configuration that it ran with, not the one wanted by now. */
function statusFrom(worker: Pod, node: Node): NodeModuleStatus {
  const { annotations = {} } = worker.metadata;
  const { serviceAccountName, imagePullSecrets } = worker.spec as {
    serviceAccountName?: string;
    imagePullSecrets?: { name?: string }[];
  };
  const secret = imagePullSecrets?.[0];
  return {
    ...moduleOf(worker),
    serviceAccountName: serviceAccountName ?? "default",
    ...(secret === undefined ? {} : { imageRepoSecret: secret }),
    tolerations: JSON.parse(annotations[WORKER_TOLERATIONS] ?? "[]") as Toleration[],
    config: parse(annotations[WORKER_CONFIG] ?? "") as ModuleConfig,
    ...(annotations[WORKER_VERSION] === undefined ? {} : { version: annotations[WORKER_VERSION] }),
    bootId: node.status?.nodeInfo?.bootID ?? "",
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
  };
}

function unlessGone(error: unknown): void {
  if (!isObjectMissing(error)) throw error;
}
