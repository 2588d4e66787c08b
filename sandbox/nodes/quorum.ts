import type { Machine } from "./machine.ts";

/** From the kernel's start until the API server's static pod serves. A real one takes minutes. */
const API_SERVER_MS = 4000;

/**
 * Whether the cluster's API server is reached: more than half of the control plane's machines run it, and the etcd behind it.
 * A single node's goes away with each of its reboots. Machines that aren't played here count for nothing.
 */
export function controlPlaneServes(machines: readonly Machine[]): boolean {
  const members = machines.filter(({ spec }) => spec.role !== "worker");
  return members.length === 0 || members.filter(serves).length * 2 > members.length;
}

const serves = ({ power, bootedAt }: Machine): boolean =>
  power === "running" && Date.now() - Date.parse(bootedAt) >= API_SERVER_MS;
