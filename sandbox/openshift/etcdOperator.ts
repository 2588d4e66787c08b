import type { Running } from "../gateway/gateway.ts";
import {
  Informer,
  isAlreadyExists,
  isNotFound,
  type Kube,
  type KubeObject,
  type Resource,
  WorkQueue,
} from "../kube.ts";
import { NODES, PODS, type Node } from "../nodes/shapes.ts";

const OPERATORS: Resource = {
  group: "config.openshift.io",
  version: "v1",
  plural: "clusteroperators",
  kind: "ClusterOperator",
  namespaced: false,
};
const BUDGETS: Resource<KubeObject & { spec: object }> = {
  group: "policy",
  version: "v1",
  plural: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
  namespaced: true,
};

const namespace = "openshift-etcd";
const GUARD = { app: "guard" };
/** Fewer members have no guards: there is no quorum to keep. */
const FEWEST_GUARDED = 3;
/** How long a member that is back takes until the operator calls etcd healthy. A real one takes minutes. */
const SETTLE_MS = 3000;

/**
 * The part of etcd's operator that others see: the ClusterOperator's conditions, which follow the control-plane nodes, and the
 * quorum guard: a pod on each of these and a budget that lets one of them go. etcd itself is the sandbox's one process.
 */
export async function startEtcdOperator(kube: Kube): Promise<Running> {
  const look = (): void => queue.add("etcd");
  const nodes = new Informer<Node>(kube, NODES, { changed: look, deleted: look });
  const guards = new Informer(kube, PODS, { deleted: look }, { namespace, labelSelector: "app=guard" });
  let said = "";
  let wholeAt = 0;
  const reconcile = async (): Promise<void> => {
    const members = nodes.list().filter(isMember);
    const healthy = members.filter(isReady).length;
    if (healthy < members.length) wholeAt = Date.now() + SETTLE_MS;
    const wait = wholeAt - Date.now();
    if (healthy === members.length && wait > 0) queue.addAfter("etcd", wait);
    const conditions = conditionsOf(members.length, healthy, wait > 0);
    if (JSON.stringify(conditions) !== said) {
      // One that somebody deleted stays away: such clusters are to be played, too.
      await kube.patchStatus(OPERATORS, { name: "etcd" }, { conditions }).catch(unlessGone);
      said = JSON.stringify(conditions);
    }
    if (members.length >= FEWEST_GUARDED) await guard(kube, members);
  };
  const queue = new WorkQueue({ reconcile, mostMs: 2000 });
  await Promise.all([nodes.synced(), guards.synced()]);
  // At once, so that `up` ends with an operator that reports.
  await reconcile().catch(look);
  return {
    async stop() {
      await Promise.all([nodes.stop(), guards.stop()]);
      await queue.stop();
    },
  };
}

const isMember = ({ metadata }: Node): boolean => metadata.labels?.["node-role.kubernetes.io/master"] !== undefined;

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") === true;

function conditionsOf(members: number, healthy: number, settling: boolean): object[] {
  const says = `EtcdMembersDegraded: ${healthy} of ${members} members are available`;
  return [
    { type: "Available", status: healthy * 2 > members ? "True" : "False" },
    { type: "Degraded", status: healthy < members || settling ? "True" : "False", message: says },
    { type: "Progressing", status: "False" },
  ];
}

async function guard(kube: Kube, members: readonly Node[]): Promise<void> {
  const spec = { minAvailable: members.length - 1, selector: { matchLabels: GUARD } };
  await kube.apply(BUDGETS, { metadata: { name: "etcd-guard-pdb", namespace }, spec });
  const placed = members.filter((node) => isReady(node) && node.spec?.unschedulable !== true);
  for (const { metadata } of placed) {
    const node = metadata.name ?? "";
    const containers = [{ name: "guard", image: "quay.io/openshift-release-dev/ocp-v4.0-art-dev:cli" }];
    const pod = {
      metadata: { name: `etcd-guard-${node}`, namespace, labels: GUARD },
      spec: { nodeName: node, tolerations: [{ operator: "Exists" }], containers },
    };
    await kube.create(PODS, pod).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  }
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
