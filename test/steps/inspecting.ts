/** `steps/inspectCluster.ts` run on a cluster of the test's own. */
import assert from "node:assert/strict";
import type { Remade } from "../../core/cluster/ownObjects.ts";
import { FakeCluster, type Given } from "./fakeCluster.ts";

export const groups = [
  "kmm.sigs.x-k8s.io",
  "operators.coreos.com",
  "config.openshift.io",
  "imageregistry.operator.openshift.io",
  "security.openshift.io",
  "machineconfiguration.openshift.io",
];
const worker: Given = {
  kind: "MachineConfigPool",
  metadata: { name: "worker" },
  spec: { nodeSelector: { matchLabels: { "node-role.kubernetes.io/worker": "" } } },
  status: { conditions: [{ type: "Updated", status: "True" }] },
};
const intent = {
  stack: "prod",
  namespace: "onload-kmm",
  nodes: [{ name: "worker-1", hold: false }],
  kernels: "^5\\.14\\.",
  strategy: "driver-toolkit",
};
export const node: Given = {
  kind: "Node",
  metadata: { name: "worker-1" },
  status: {
    conditions: [{ type: "Ready", status: "True" }],
    nodeInfo: { machineID: "m", systemUUID: "s", kernelVersion: "5.14.0-1.el9_6.x86_64", bootID: "b" },
  },
};
export const clusterVersion = (...enabledCapabilities: string[]): Given => ({
  kind: "ClusterVersion",
  metadata: { name: "version" },
  status: { capabilities: { enabledCapabilities } },
});
export const operator = (version: string): Given => ({
  kind: "ClusterServiceVersion",
  metadata: { name: `kernel-module-management.v${version}`, namespace: "openshift-kmm" },
  spec: { version },
});

/** A cluster as it should be. */
export function goodCluster(t: ConstructorParameters<typeof FakeCluster>[0]): FakeCluster {
  const cluster = new FakeCluster(t);
  cluster.answerRaw("apis", JSON.stringify({ groups: groups.map((name) => ({ name })) }));
  cluster.put(
    node,
    worker,
    operator("2.4.1"),
    clusterVersion("Build", "ImageRegistry"),
    { kind: "Config", metadata: { name: "cluster" }, spec: { managementState: "Managed" } },
    { kind: "SecurityContextConstraints", metadata: { name: "privileged" } },
  );
  return cluster;
}

interface Findings {
  readonly problems: string[];
  readonly warnings: string[];
  readonly nodes: { node: object; machine?: object }[];
  readonly certificate: string;
  readonly remade: Remade;
  readonly leaving: string[];
  readonly updatingPools: string[];
}

interface Asked {
  readonly change?: object;
  readonly access?: FakeCluster["access"];
  readonly machines?: readonly object[];
}

export async function inspect(cluster: FakeCluster, asked: Asked = {}): Promise<Findings> {
  const { change, access = cluster.access, machines = [] } = asked;
  const wanted = { release: "9.0.2.140", mode: "attended", machines };
  const input = { cluster: access, intent: { ...intent, ...change }, ...wanted };
  const { code, stdout, stderr } = await cluster.step("inspectCluster", input);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Findings;
}
