import { matches, type LabelSelector } from "./labelSelector.ts";

/** Whether something else is about to take a node out of service, or would power-cycle it while it waits. */

interface Labelled {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface MachineConfigPool extends Labelled {
  readonly spec?: { readonly nodeSelector?: LabelSelector };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
}

export interface NodeHealthCheck extends Labelled {
  readonly spec?: { readonly selector?: LabelSelector; readonly pauseRequests?: readonly string[] };
}

const mco = "machineconfiguration.openshift.io";

/** Why the Machine Config Operator isn't done with the node; undefined when it is. */
export function poolTrouble(node: Labelled, pools: readonly MachineConfigPool[]): string | undefined {
  const { annotations = {}, labels, name } = node.metadata;
  const current = annotations[`${mco}/currentConfig`];
  const desired = annotations[`${mco}/desiredConfig`];
  if (current !== desired) return `${name} is on its way from ${current ?? "no"} config to ${desired ?? "none"}`;
  const state = annotations[`${mco}/state`];
  if (current !== undefined && state !== "Done")
    return `the Machine Config Daemon on ${name} is ${state ?? "silent"}, not Done`;
  const pool = pools.filter(({ spec }) => matches(spec?.nodeSelector, labels)).find((each) => !isQuiet(each));
  return pool && `machine config pool ${pool.metadata.name} is ${conditionsOf(pool)}, not just Updated`;
}

const isTrue = ({ status }: MachineConfigPool, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;

const isQuiet = (pool: MachineConfigPool): boolean =>
  isTrue(pool, "Updated") && !isTrue(pool, "Updating") && !isTrue(pool, "Degraded");

const conditionsOf = (pool: MachineConfigPool): string =>
  ["Updated", "Updating", "Degraded"].filter((type) => isTrue(pool, type)).join(", ") || "unknown";

/**
 * Names of the health checks that would remedy the node (by a power cycle, which loses MokManager's request) while it
 * waits for a person: NodeHealthChecks that select it, and MachineHealthChecks when a Machine stands behind it.
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
