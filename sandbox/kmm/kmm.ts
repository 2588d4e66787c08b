import type { Running } from "../gateway/gateway.ts";
import { Informer, Kube, keyOf, type KubeObject, splitKey, WorkQueue } from "../kube.ts";
import { builds } from "../openshift/resources.ts";
import { ServingPods } from "../openshift/servingPods.ts";
import { startAdmission } from "./admission/server.ts";
import type { Context } from "./context.ts";
import { type LineName, LINES } from "./lines.ts";
import { reconcileJob } from "./jobReconciler.ts";
import { reconcileMbsc } from "./mbscReconciler.ts";
import { reconcileMic } from "./micReconciler.ts";
import { reconcileModule } from "./moduleReconciler.ts";
import { reconcileNmc } from "./nmcReconciler.ts";
import { reconcileNodeLabels, StillLoaded } from "./nodeLabelReconciler.ts";
import { reconcilePreflight, reconcilePreflightOcp } from "./preflightReconciler.ts";
import {
  MBSCS,
  MICS,
  type Module,
  MODULES,
  NMCS,
  type Node,
  NODES,
  type NodeModulesConfig,
  PODS,
  PREFLIGHTS,
  PREFLIGHTS_OCP,
} from "./resources.ts";

/**
 * Starts the stand-in for the Kernel Module Management operator. `installOpenshift`, and `installKmm` with the same
 * line, must have run before. What triggers what is written here, in one place; what is then done, in the
 * reconcilers.
 */
export async function startKmm(options: { kubeconfig: string; line: LineName }): Promise<Running> {
  const line = LINES[options.line];
  const { kubeconfig } = options;
  const kube = await Kube.fromKubeconfig(kubeconfig);
  const log = (line: string): void => console.error(`kmm: ${line}`);
  const nodes = new Informer<Node>(kube, NODES, {
    changed: (node, old) => nodeChanged(queues, node, old),
    deleted: () => addAll(queues.modules, modules),
  });
  const context: Context = { kube, line, nodes, log };
  const controllers = new ServingPods(kube, "openshift-kmm", "control-plane=controller");
  const webhooks = new ServingPods(kube, "openshift-kmm", "control-plane=webhook-server");
  const queues = makeQueues(context, controllers);
  const modules = new Informer(kube, MODULES, { changed: (module) => queues.modules.add(keyOf(module)) });
  const nodeChanged = (to: Queues, node: Node, old: Node | undefined): void => {
    to.nmcs.add(keyOf(node));
    if (old === undefined || placement(node) !== placement(old)) {
      to.nodeLabels.add(keyOf(node));
      addAll(to.modules, modules);
    }
  };
  const informers: { synced(): Promise<void>; stop(): Promise<void> }[] = [nodes, modules, ...watchOwned(kube, queues)];
  await Promise.all(informers.map((informer) => informer.synced()));
  // A new cluster's pods are about to run: `up` ends with KMM at work.
  await Promise.all([controllers, webhooks].map((pods) => pods.untilServing(FIRST_PODS_MS)));
  const admission = await startAdmission(kube, line, webhooks);
  return {
    async stop() {
      await admission.stop();
      await Promise.all([controllers.stop(), webhooks.stop()]);
      await Promise.all(informers.map((informer) => informer.stop()));
      await Promise.all(Object.values(queues).map((queue) => queue.stop()));
      kube.close();
    },
  };
}

const FIRST_PODS_MS = 20_000;

type QueueName = "modules" | "mics" | "mbscs" | "nmcs" | "nodeLabels" | "jobs" | "preflightsOcp" | "preflights";
type Queues = ReturnType<typeof makeQueues>;

/** The Module's reconciler sees labels and taints of a node only: a new kernel or a reboot alone go unnoticed. */
const placement = ({ metadata, spec }: Node): string => JSON.stringify([metadata.labels, spec?.taints]);

function addAll(queue: WorkQueue, informer: Informer<Module>): void {
  for (const object of informer.list()) queue.add(keyOf(object));
}

/** Each waits while no pod of the operator runs. */
function makeQueues(context: Context, controllers: ServingPods): Record<QueueName, WorkQueue> {
  const queue = (what: string, reconcile: (key: string) => Promise<void>): WorkQueue =>
    new WorkQueue({
      reconcile: async (key) => {
        await controllers.untilServing();
        await reconcile(key);
      },
      failed: (key, error) => {
        if (error instanceof StillLoaded) return;
        context.log(`${what} ${key}: ${error instanceof Error ? error.message : String(error)}`);
      },
    });
  const namespaced = (key: string): { namespace: string; name: string } => ({ namespace: "", ...splitKey(key) });
  return {
    modules: queue("Module", (key) => reconcileModule(context, namespaced(key))),
    mics: queue("ModuleImagesConfig", (key) => reconcileMic(context, namespaced(key))),
    mbscs: queue("ModuleBuildSignConfig", (key) => reconcileMbsc(context, namespaced(key))),
    nmcs: queue("NodeModulesConfig", (key) => reconcileNmc(context, key)),
    nodeLabels: queue("Node", (key) => reconcileNodeLabels(context, key)),
    jobs: queue("Build", (key) => reconcileJob(context, key)),
    preflightsOcp: queue("PreflightValidationOCP", (key) => reconcilePreflightOcp(context, key)),
    preflights: queue("PreflightValidation", (key) => reconcilePreflight(context, key)),
  };
}

/** Owners whose keys have no namespace. */
const CLUSTER_SCOPED = [NMCS.kind, PREFLIGHTS.kind];

/** What KMM makes, and whom each change of it concerns. The deletion of a ModuleImagesConfig concerns nobody. */
function watchOwned(kube: Kube, queues: Queues): { synced(): Promise<void>; stop(): Promise<void> }[] {
  const toOwner = (queue: WorkQueue, kind: string, object: KubeObject): void => {
    const owner = object.metadata.ownerReferences?.find((each) => each.kind === kind);
    if (owner === undefined) return;
    const { namespace } = object.metadata;
    queue.add(CLUSTER_SCOPED.includes(kind) ? owner.name : `${namespace ?? ""}/${owner.name}`);
  };
  const both = <T extends KubeObject>(
    tell: (object: T) => void,
  ): { changed: (o: T) => void; deleted: (o: T) => void } => ({
    changed: tell,
    deleted: tell,
  });
  const nmcChanged = (nmc: NodeModulesConfig, old?: NodeModulesConfig): void => {
    queues.nmcs.add(keyOf(nmc));
    for (const each of [nmc, ...(old === undefined ? [] : [old])])
      modulesIn(each).forEach((key) => queues.modules.add(key));
  };
  return [
    new Informer(kube, MICS, {
      changed: (mic) => {
        queues.mics.add(keyOf(mic));
        toOwner(queues.modules, MODULES.kind, mic);
        toOwner(queues.preflights, PREFLIGHTS.kind, mic);
      },
    }),
    new Informer(kube, MBSCS, {
      ...both((mbsc) => toOwner(queues.mics, MICS.kind, mbsc)),
      changed: (mbsc) => {
        queues.mbscs.add(keyOf(mbsc));
        toOwner(queues.mics, MICS.kind, mbsc);
      },
    }),
    new Informer(kube, PREFLIGHTS_OCP, { changed: (each) => queues.preflightsOcp.add(keyOf(each)) }),
    new Informer(kube, PREFLIGHTS, {
      changed: (each) => {
        queues.preflights.add(keyOf(each));
        queues.preflightsOcp.add(keyOf(each));
      },
    }),
    new Informer(kube, NMCS, { changed: nmcChanged, deleted: nmcChanged }),
    new Informer(kube, builds, {
      ...both((build) => toOwner(queues.mbscs, MBSCS.kind, build)),
      changed: (build) => {
        queues.jobs.add(keyOf(build));
        toOwner(queues.mbscs, MBSCS.kind, build);
      },
    }),
    new Informer(
      kube,
      PODS,
      both((pod) => {
        toOwner(queues.mics, MICS.kind, pod);
        toOwner(queues.nmcs, NMCS.kind, pod);
      }),
    ),
  ];
}

/** Keys of the Modules that a NodeModulesConfig names in spec, status or labels. */
function modulesIn(nmc: NodeModulesConfig): string[] {
  const entries = [...(nmc.spec?.modules ?? []), ...(nmc.status?.modules ?? [])];
  const labelled = Object.keys(nmc.metadata.labels ?? {}).flatMap((label) => {
    const match = /^beta\.kmm\.node\.kubernetes\.io\/([^.]+)\.(.+)\.module-(?:configured|in-use)$/.exec(label);
    return match === null ? [] : [`${match[1] ?? ""}/${match[2] ?? ""}`];
  });
  return [...new Set([...entries.map(({ namespace, name }) => `${namespace}/${name}`), ...labelled])];
}
