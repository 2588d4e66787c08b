import { matches, type LabelSelector } from "../cluster/labelSelector.ts";

/** Whether something else is about to take a node out of service, or would power-cycle it while it waits. */

interface Labelled {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

interface Configuration {
  readonly name?: string;
}

export interface MachineConfigPool extends Labelled {
  readonly spec?: {
    readonly paused?: boolean;
    readonly nodeSelector?: LabelSelector;
    readonly configuration?: Configuration;
  };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly configuration?: Configuration;
    readonly machineCount?: number;
    /** Nodes that have the pool's configuration and are done with it, cordoned or not. */
    readonly updatedMachineCount?: number;
    /** Of these, the ones that are Ready and not cordoned. */
    readonly readyMachineCount?: number;
  };
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

export interface ClusterOperator {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface NodeHealthCheck extends Labelled {
  readonly spec?: { readonly selector?: LabelSelector; readonly pauseRequests?: readonly string[] };
}

const mco = "machineconfiguration.openshift.io";

/** Pairs of annotations that are equal once the node has what it should have, and what each pair is about. */
const pairs = [
  ["currentConfig", "desiredConfig", "config"],
  ["currentImage", "desiredImage", "image"],
  ["lastAppliedDrain", "desiredDrain", "drain request"],
] as const;

/**
 * Why the Machine Config Operator isn't done with the node; undefined when it is.
 *
 * @param pools of the cluster; none where it has no such kind, as one with a hosted control plane
 */
export function poolTrouble(node: Labelled, pools: readonly MachineConfigPool[]): string | undefined {
  const { annotations = {}, name } = node.metadata;
  const value = (key: string): string | undefined => annotations[`${mco}/${key}`];
  const moving = pairs.find(([current, desired]) => value(current) !== value(desired));
  if (moving !== undefined) {
    const [current, desired, what] = moving;
    return `${name} is on its way from ${value(current) ?? "no"} ${what} to ${value(desired) ?? "none"}`;
  }
  const state = value("state");
  // A hosted cluster has daemons during its updates only, and then their annotations differ.
  const mustTell = pools.length > 0 && value("currentConfig") !== undefined;
  if (state !== "Done" && (state !== undefined || mustTell)) {
    return `the Machine Config Daemon on ${name} is ${state ?? "silent"}, not Done`;
  }
  const pool = poolOf(node, pools);
  if (pool === undefined || isAtRest(pool)) return undefined;
  return `machine config pool ${pool.metadata.name} is ${conditionsOf(pool)}, not just Updated`;
}

/**
 * The pool whose configuration the node gets (the Machine Config Operator's GetPoolsForNode): `master` wins, then one of
 * the cluster's own making, then `worker`. Undefined for a node that it leaves alone: in no pool, or in several of the
 * cluster's own, whether or not it is also a worker.
 */
export function poolOf(node: Labelled, pools: readonly MachineConfigPool[]): MachineConfigPool | undefined {
  const selected = selecting(node, pools);
  const own = selected.filter(isOwn);
  if (own.length > 1) return undefined;
  const named = (name: string) => selected.find(({ metadata }) => metadata.name === name);
  return named("master") ?? own[0] ?? named("worker");
}

/** Names of the pools between which the Machine Config Operator can't choose for the node, which it leaves alone then. */
export function severalPools(node: Labelled, pools: readonly MachineConfigPool[]): string[] {
  const own = selecting(node, pools).filter(isOwn);
  return own.length > 1 ? own.map(({ metadata }) => metadata.name) : [];
}

/** Whether the pool is one of the cluster's own making. */
const isOwn = ({ metadata }: MachineConfigPool): boolean => !["master", "worker"].includes(metadata.name);

/** An empty selector selects nothing here, unlike anywhere else. */
function selecting({ metadata }: Labelled, pools: readonly MachineConfigPool[]): MachineConfigPool[] {
  return pools.filter(({ spec }) => {
    const { matchLabels = {}, matchExpressions = [] } = spec?.nodeSelector ?? {};
    const isEmpty = Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
    return !isEmpty && matches(spec?.nodeSelector, metadata.labels);
  });
}

const isTrue = (status: ClusterOperator["status"], type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;

export const isPaused = ({ spec }: MachineConfigPool): boolean => spec?.paused === true;

/** Whether no node of the pool is being updated, or will be: no update starts while a pool is paused. */
function isAtRest(pool: MachineConfigPool): boolean {
  if (isPaused(pool)) return true;
  const { status } = pool;
  if (isTrue(status, "Degraded")) return false;
  return (isTrue(status, "Updated") && !isTrue(status, "Updating")) || isOnlyCordoned(pool);
}

/**
 * Whether the pool says `Updating` for no other reason than a node that is cordoned or not Ready, such as one that we took
 * out of service: it then counts as not updated, although all have the pool's configuration.
 */
function isOnlyCordoned({ spec, status }: MachineConfigPool): boolean {
  const { machineCount, updatedMachineCount, readyMachineCount } = status ?? {};
  if (machineCount === undefined || machineCount === 0 || updatedMachineCount !== machineCount) return false;
  const isCurrent = spec?.configuration?.name === status?.configuration?.name;
  // The API leaves a count of zero out.
  return isCurrent && (readyMachineCount ?? 0) < machineCount;
}

const conditionsOf = ({ status }: MachineConfigPool): string =>
  ["Updated", "Updating", "Degraded"].filter((type) => isTrue(status, type)).join(", ") || "unknown";

/** Why etcd can't spare one more member; undefined if it can. */
export function etcdTrouble({ status }: ClusterOperator): string | undefined {
  const isFalse = (type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === "False") ?? false;
  const wrong = [
    isTrue(status, "Available") ? "" : "not Available",
    isFalse("Degraded") ? "" : "Degraded",
    isFalse("Progressing") ? "" : "Progressing",
  ].filter((word) => word !== "");
  return wrong.length === 0 ? undefined : `the ClusterOperator etcd is ${wrong.join(", ")}`;
}

/**
 * Names of the health checks that would remedy the node (by a power cycle, which loses MokManager's request) while it
 * waits for a person: NodeHealthChecks that select it, and MachineHealthChecks if it has a Machine.
 */
export function activeHealthChecks(
  node: Labelled,
  nodeChecks: readonly NodeHealthCheck[],
  machineChecks: readonly Labelled[],
): string[] {
  const ofNode = nodeChecks
    .filter(({ spec }) => (spec?.pauseRequests ?? []).length === 0 && matches(spec?.selector, node.metadata.labels))
    .map(({ metadata }) => `NodeHealthCheck ${metadata.name} (pause it with spec.pauseRequests)`);
  const hasMachine = node.metadata.annotations?.["machine.openshift.io/machine"] !== undefined;
  const ofMachine = machineChecks
    .filter(({ metadata }) => hasMachine && metadata.annotations?.["cluster.x-k8s.io/paused"] === undefined)
    .map(
      ({ metadata }) => `MachineHealthCheck ${metadata.name} (pause it with the annotation cluster.x-k8s.io/paused)`,
    );
  return [...ofNode, ...ofMachine];
}
