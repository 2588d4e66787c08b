/** Who was out of service when, from the API server's audit log. */
import { z } from "zod";
import type { Sandbox } from "@onload-kmm/sandbox/sandbox";

type AuditEntry = Awaited<ReturnType<Sandbox["auditLog"]>>[number];

/** A node goes out of service, or comes back. */
export interface Change {
  readonly node: string;
  readonly out: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const nodeObject = z.object({
  spec: z.object({
    unschedulable: z.boolean().default(false),
    taints: z.array(z.object({ key: z.string() })).default([]),
  }),
});

/** Taints of nodes that the cluster has lost. */
const lost = ["node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"];

/** Each time that one of the nodes went out of service (cordoned, or lost to the cluster) or came back, in order. */
export function outages(log: readonly AuditEntry[], nodes: readonly string[]): Change[] {
  const out = new Set<string>();
  return log
    .filter(({ resource, name, code, dryRun }) => resource === "nodes" && nodes.includes(name) && code < 300 && !dryRun)
    .flatMap(({ name, object, answered }) => {
      const found = nodeObject.safeParse(object);
      if (!found.success) return [];
      const { unschedulable, taints } = found.data.spec;
      const isOut = unschedulable || taints.some(({ key }) => lost.includes(key));
      if (isOut === out.has(name)) return [];
      if (isOut) out.add(name);
      else out.delete(name);
      return [{ node: name, out: isOut, at: Date.parse(answered) }];
    });
}

/** How many were out at the same time at most. */
export function mostOut(changes: readonly Change[]): number {
  let now = 0;
  return changes.reduce((most, { out }) => Math.max(most, (now += out ? 1 : -1)), 0);
}
