import type { Informer, Kube, KubeObject, OwnerReference } from "../kube.ts";
import type { Line } from "./lines.ts";
import { EVENTS, type Node } from "./resources.ts";

/** What every reconciler of KMM gets. */
export interface Context {
  kube: Kube;
  /** Which KMM this is. */
  line: Line;
  /** All Nodes as last seen: the only cache that is relied upon, everything else is read when needed. */
  nodes: Informer<Node>;
  /** The operator's log, the only place where its silent failures show. */
  log: (line: string) => void;
}

/** An event's subject. */
export type Subject = Pick<OwnerReference, "apiVersion" | "kind" | "name" | "uid"> & { namespace?: string };

/** Sends an Event as KMM does; one that can't be sent is lost, as with client-go's recorder. */
export async function sendEvent(
  context: Context,
  subject: Subject,
  event: { type: "Normal" | "Warning"; reason: string; message: string; annotations?: Record<string, string> },
): Promise<void> {
  const { annotations, ...rest } = event;
  const time = new Date().toISOString();
  const namespace = subject.namespace ?? "default";
  const object: KubeObject & Record<string, unknown> = {
    metadata: { namespace, generateName: `${subject.name}.`, ...(annotations === undefined ? {} : { annotations }) },
    involvedObject: subject,
    source: { component: "kmm" },
    reportingComponent: "kmm",
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    ...rest,
  };
  await context.kube.create(EVENTS, object).catch((error: unknown) => context.log(`event: ${String(error)}`));
}

/** Namespace and name of an object; the namespace is empty for a cluster-scoped one. */
export const targetOf = ({ metadata }: KubeObject): { namespace: string; name: string } => ({
  namespace: metadata.namespace ?? "",
  name: metadata.name ?? "",
});

/** Whether two values are the same JSON, whatever the order of their keys; absent and empty lists count as the same. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** One text for one value. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).filter(([, each]) => !isEmpty(each));
    return Object.fromEntries(entries.sort(([x], [y]) => (x < y ? -1 : 1)));
  });
}

const isEmpty = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0);
