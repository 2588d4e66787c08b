/** What happened to the nodes and when, by the API server's account, and what must never be seen in it. */
import { z } from "zod";
import { annotations } from "../../core/names.ts";
import type { AuditEntry } from "@onload-kmm/sandbox/sandbox";

/** The stack that chaos works on. */
export const stack = "dev";

/** A Node as one write left it. */
export interface NodeLook {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly node: string;
  /** Whether this stack has cordoned it. */
  readonly ours: boolean;
  /** Whether roll-outs pass it by, so that it doesn't count as out of service. */
  readonly held: boolean;
}

/** An operation's time, and the nodes that the configuration listed in it. */
export interface Period {
  readonly verb: "up" | "preview" | "destroy";
  readonly began: number;
  readonly listed: readonly string[];
}

const nodeObject = z.object({
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({ unschedulable: z.boolean().default(false) }),
});

/** Each Node after each of its writes, in the order of the log. */
export function looksIn(log: readonly AuditEntry[]): NodeLook[] {
  return log.flatMap(({ resource, code, dryRun, object, answered }) => {
    const found = resource === "nodes" && code < 300 && !dryRun ? nodeObject.safeParse(object) : undefined;
    if (found?.success !== true) return [];
    const { metadata, spec } = found.data;
    const ours = spec.unschedulable && metadata.annotations[annotations.cordonedBy] === stack;
    const held = annotations.hold in metadata.annotations;
    return [{ at: Date.parse(answered), node: metadata.name, ours, held }];
  });
}

/** The nodes that this stack had out of service at a time. */
export function outAt(looks: readonly NodeLook[], time: number): Map<string, NodeLook> {
  const last = new Map(looks.filter(({ at }) => at <= time).map((look) => [look.node, look]));
  return new Map([...last].filter(([, { ours }]) => ours));
}

/**
 * Each time that the program took a node out of service while as many others as are allowed were out already.
 *
 * A leaving node, and every node of a `destroy`, doesn't wait for those that an earlier run has left out: they may leave
 * after it, and it would wait for ever. Of two runs each counts what it takes out itself.
 */
export function tooManyOut(looks: readonly NodeLook[], periods: readonly Period[], maxParallel: number): string[] {
  const out = new Map<string, NodeLook>();
  return looks.flatMap((look) => {
    const isNews = look.ours && !out.has(look.node);
    const others = [...out.values()].filter(({ node }) => node !== look.node);
    if (look.ours) out.set(look.node, look);
    else out.delete(look.node);
    if (!isNews) return [];
    const period = periods.findLast(({ began }) => began <= look.at);
    if (period === undefined) return [`${look.node} was taken out before the first operation`];
    const counted = others.filter((other) => counts(other, look, { period, looks }));
    if (counted.length < maxParallel) return [];
    const names = counted.map(({ node }) => node).join(", ");
    return [
      `${look.node} was taken out at ${new Date(look.at).toISOString()} while ${names} was out, in ${period.verb}`,
    ];
  });
}

/** Whether another node that is out counts against one that is taken out. */
function counts(
  other: NodeLook,
  taken: NodeLook,
  { period, looks }: { readonly period: Period; readonly looks: readonly NodeLook[] },
): boolean {
  if (other.held) return false;
  const leaves = period.verb === "destroy" || !period.listed.includes(taken.node);
  if (leaves) return !outAt(looks, period.began).has(other.node);
  return period.listed.includes(other.node);
}

/** What the nodes' own records say of boots and keys; `handBoots` are those that chaos itself has caused. */
export interface BootCount {
  readonly node: string;
  readonly booted: number;
  /** Keys that its firmware has taken, on any of its mainboards. */
  readonly enrolled: number;
  readonly handBoots: number;
  /** How many of those met the node out of service: what MokManager was asked for may be lost then, and is asked again. */
  readonly handBootsWhileOut: number;
}

/** Nodes that the program has rebooted more often than there was a reason for. */
export function needlessBoots(counts: readonly BootCount[]): string[] {
  return counts.flatMap(({ node, booted, enrolled, handBoots, handBootsWhileOut }) => {
    const reasons = enrolled + handBoots + handBootsWhileOut;
    if (booted <= reasons) return [];
    return [
      `${node} booted ${booted} times: ${enrolled} keys were enrolled, and it was reset ${handBoots} times by hand`,
    ];
  });
}
