import {
  activeHealthChecks,
  etcdTrouble,
  poolTrouble,
  type ClusterOperator,
  type MachineConfigPool,
  type NodeHealthCheck,
} from "../../core/node/maintenance.ts";
import { isControlPlane, isReady, type RollNode } from "../../core/node/nodeState.ts";
import type { MachineState } from "../../core/node/machineState.ts";
import { obstacles, type Consent } from "../../core/node/obstacles.ts";
import { told } from "../../core/errors.ts";
import { etcdLookSeconds, etcdSeconds, readySeconds } from "../../core/patience.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { StepError } from "../lib/step.ts";
import { waitUntil } from "../lib/wait.ts";

/** What must hold before a node is taken out of service; nothing has been changed when one of these throws. */

/** @throws StepError unless the node is Ready, or soon is, and no machine config is on its way to it */
export async function requireNoMaintenance(
  kubectl: Kubectl,
  node: RollNode,
  timeoutSeconds = readySeconds,
): Promise<void> {
  const { name } = node.metadata;
  const remedy = "the node was not touched; fix it, or set its `hold: true`, and run again";
  let seen: RollNode | undefined = node;
  await waitUntil(name, { timeoutSeconds, error: "OKMM-NODE-NOTREADY", remedy }, async () => {
    if (seen !== undefined && isReady(seen)) return { done: undefined };
    seen = await kubectl.get<RollNode>("nodes", name);
    return { missing: "the node isn't Ready" };
  });
  const pools = await kubectl.listKnown<KubeObject & MachineConfigPool>(
    "machineconfigpools.machineconfiguration.openshift.io",
  );
  const trouble = poolTrouble(node, pools);
  if (trouble !== undefined) {
    throw new StepError(
      "OKMM-POOL-UPDATING",
      `${name}: ${trouble}; the node was not touched. Wait until the pool is Updated and run again`,
    );
  }
  if (isControlPlane(node)) await requireHealthyEtcd(kubectl, name);
}

/** @throws StepError while etcd couldn't do without one more member; a cluster whose etcd is elsewhere has no such operator */
async function requireHealthyEtcd(kubectl: Kubectl, node: string): Promise<void> {
  const waiting = {
    timeoutSeconds: etcdSeconds,
    everySeconds: etcdLookSeconds,
    error: "OKMM-ETCD-DEGRADED" as const,
    remedy:
      "a control-plane node goes out of service only while etcd is healthy; the node was not touched. Fix etcd and run again",
  };
  await waitUntil(node, waiting, async () => {
    const etcd = await kubectl.getKnown<KubeObject & ClusterOperator>("clusteroperators.config.openshift.io", "etcd");
    const missing = etcd && etcdTrouble(etcd);
    return missing === undefined ? { done: undefined } : { missing };
  });
}

/** @throws StepError when an operator would power-cycle the node while MokManager waits */
export async function requireNoHealthCheck(kubectl: Kubectl, node: RollNode): Promise<void> {
  const [nodeChecks, machineChecks] = await Promise.all([
    kubectl.listKnown<KubeObject & NodeHealthCheck>("nodehealthchecks.remediation.medik8s.io"),
    kubectl.listKnown("machinehealthchecks.machine.openshift.io", "-A"),
  ]);
  const active = activeHealthChecks(node, nodeChecks, machineChecks);
  if (active.length === 0) return;
  throw new StepError(
    "OKMM-NODE-HEALTHCHECK",
    `${node.metadata.name}: ${active.join(", ")} would power-cycle it while its firmware enrols the key, which loses the request; ` +
      "the node was not touched. Pause that health check and run again",
  );
}

/** @throws StepError with all that keeps the modules from being loaded */
export function requireLoadable(node: string, state: MachineState, consent: Consent): void {
  const [first, ...others] = obstacles(state, consent);
  if (first === undefined) return;
  const all = [first.text, ...others.map(({ error, text }) => told(error, text))];
  throw new StepError(
    first.error,
    `${node}: ${all.join("; and ")}; or set its \`hold: true\` to continue without it. The node was not touched`,
  );
}
