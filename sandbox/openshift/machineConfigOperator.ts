import type { Running } from "../gateway/gateway.ts";
import { Informer, type Kube, type KubeObject, type Resource, WorkQueue } from "../kube.ts";
import { NODES, type Node } from "../nodes/shapes.ts";

interface Pool extends KubeObject {
  spec?: {
    paused?: boolean;
    nodeSelector?: { matchLabels?: Record<string, string> };
    configuration?: { name?: string };
  };
  status?: { configuration?: { name?: string }; conditions?: { type: string; status: string; message?: string }[] };
}

const POOLS: Resource<Pool> = {
  group: "machineconfiguration.openshift.io",
  version: "v1",
  plural: "machineconfigpools",
  kind: "MachineConfigPool",
  namespaced: false,
};

const annotation = (node: Node, key: string): string | undefined =>
  node.metadata.annotations?.[`machineconfiguration.openshift.io/${key}`];

/**
 * The part of the Machine Config Operator that tells: counts and conditions of each pool, as its node controller calculates
 * them (`pkg/controller/node/status.go`). It updates no node: one whose pool wants another configuration stays as it is.
 */
export async function startMachineConfigOperator(kube: Kube): Promise<Running> {
  const all = (): void => pools.list().forEach(({ metadata }) => queue.add(metadata.name ?? ""));
  const nodes = new Informer<Node>(kube, NODES, { changed: all, deleted: all });
  const pools: Informer<Pool> = new Informer<Pool>(kube, POOLS, { changed: all, deleted: all });
  const reconcile = async (name: string): Promise<void> => {
    const pool = pools.get(name);
    if (pool === undefined) return;
    const members = nodes.list().filter((node) => poolOf(node, pools.list()) === pool);
    const status = statusOf(pool, members);
    if (!isSame(status, pool.status)) await kube.patchStatus(POOLS, { name }, status);
  };
  const queue = new WorkQueue({ reconcile, mostMs: 2000 });
  await Promise.all([nodes.synced(), pools.synced()]);
  // At once, so that `up` ends with pools that report.
  for (const { metadata } of pools.list()) await reconcile(metadata.name ?? "");
  return {
    async stop() {
      await Promise.all([nodes.stop(), pools.stop()]);
      await queue.stop();
    },
  };
}

/** The pool that manages the node: master, else the one custom pool, else worker; none of several custom ones. */
function poolOf(node: Node, pools: readonly Pool[]): Pool | undefined {
  const selecting = pools.filter(({ spec }) => {
    const wanted = Object.entries(spec?.nodeSelector?.matchLabels ?? {});
    return wanted.length > 0 && wanted.every(([key, value]) => node.metadata.labels?.[key] === value);
  });
  const named = (name: string): Pool | undefined => selecting.find(({ metadata }) => metadata.name === name);
  const custom = selecting.filter(({ metadata }) => !["master", "worker"].includes(metadata.name ?? ""));
  return custom.length > 1 ? undefined : (named("master") ?? custom[0] ?? named("worker"));
}

function statusOf(pool: Pool, members: readonly Node[]): object {
  const target = pool.spec?.configuration;
  const isAt = (node: Node): boolean =>
    ["currentConfig", "desiredConfig"].every((key) => annotation(node, key) === target?.name) &&
    annotation(node, "state") === "Done";
  const updated = members.filter(isAt);
  const ready = updated.filter(isAvailable);
  const degraded = members.filter((node) => annotation(node, "state") === "Degraded");
  const allUpdated = ready.length === members.length;
  return {
    machineCount: members.length,
    updatedMachineCount: updated.length,
    readyMachineCount: ready.length,
    unavailableMachineCount: members.filter((node) => !isAvailable(node)).length,
    degradedMachineCount: degraded.length,
    configuration: allUpdated ? target : pool.status?.configuration,
    conditions: conditionsOf(pool, allUpdated, degraded.length > 0),
  };
}

function conditionsOf({ spec }: Pool, allUpdated: boolean, degraded: boolean): object[] {
  const isPaused = spec?.paused === true;
  const doing = isPaused ? "Pool is paused; will not update" : "All nodes are updating";
  const says = allUpdated ? "" : `${doing} to MachineConfig ${spec?.configuration?.name ?? ""}`;
  const condition = (type: string, holds: boolean, message = ""): object => ({
    type,
    status: holds ? "True" : "False",
    message,
  });
  return [
    condition("Updated", allUpdated),
    condition("Updating", !allUpdated && !isPaused, says),
    condition("NodeDegraded", degraded),
    condition("RenderDegraded", false),
    condition("Degraded", degraded),
  ];
}

/** A cordoned node isn't available to it, no matter who cordoned it. */
const isAvailable = ({ spec, status }: Node): boolean =>
  spec?.unschedulable !== true &&
  status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") === true;

/** Whether all that is to be said is said already. */
const isSame = (wanted: object, found: object | undefined): boolean =>
  Object.entries(wanted).every(
    ([key, value]) => sorted(value) === sorted((found as Record<string, unknown> | undefined)?.[key]),
  );

/** JSON with keys in order: the server gives them in another one. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => one.localeCompare(other)))
      : each,
  );
