import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import type { Machine } from "@onload-kmm/sandbox/nodes/machine";
import type { Sandbox } from "@onload-kmm/sandbox/sandbox";

/** A write that the API server took, from its audit log. */
export interface Write {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

type AuditEntry = Awaited<ReturnType<Sandbox["auditLog"]>>[number];

/** What `user` changed, in order: refused requests and dry runs are no writes. */
export function writesBy(user: string, log: readonly AuditEntry[]): Write[] {
  return log
    .filter(
      (entry) =>
        entry.user === user && ["create", "update", "patch", "delete", "deletecollection"].includes(entry.verb),
    )
    .filter((entry) => entry.code < 300 && !entry.dryRun && !isQuestion(entry.resource))
    .map(({ verb, resource, namespace, name }) => ({ verb, resource, namespace, name }));
}

/** Reviews are asked by POST, and change nothing. */
const isQuestion = (resource: string): boolean => resource.endsWith("reviews");

/** Kinds whose objects come and go by themselves. */
const passing = ["Event", "Lease", "PodMetrics", "NodeMetrics"];

/** Every object that the API server has, as `<apiVersion> <kind> [<namespace>/]<name>`. */
export async function clusterObjects(sandbox: Sandbox): Promise<Set<string>> {
  const resources = await sandbox.kubectl(["api-resources", "--verbs=list", "-o", "name"]);
  const kinds = resources.split("\n").filter((kind) => kind !== "" && !kind.startsWith("events"));
  const json = await sandbox.kubectl(["get", kinds.join(","), "-A", "-o", "json", "--ignore-not-found"]);
  const { items } = JSON.parse(json) as { items: KubeObject[] };
  return new Set(
    items
      .filter(({ kind, metadata }) => !passing.includes(kind) || metadata.name.startsWith("onload-kmm"))
      .map(({ apiVersion, kind, metadata }) => {
        const namespace = metadata.namespace === undefined ? "" : `${metadata.namespace}/`;
        return `${apiVersion} ${kind} ${namespace}${metadata.name}`;
      }),
  );
}

interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** The machine under a node, as it is now. */
export async function machineOf(sandbox: Sandbox, node: string): Promise<Machine> {
  const machine = await controlNode(sandbox.dir, node, "state");
  if (machine === null) throw new Error(`no machine ${node}`);
  return machine;
}
