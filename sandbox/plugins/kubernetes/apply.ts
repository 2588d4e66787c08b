/** Writing objects: server-side apply under our own field manager, as the real provider does it. */
import { KubeError } from "../../kube/error.ts";
import { type PropertyMap, textOf } from "../core/values.ts";
import type { Cluster } from "./cluster.ts";
import type { Call } from "./connection.ts";
import { annotation, ANNOTATIONS, apiVersionOf, kindOf, mapAt, nameOf, namespaceOf } from "./objects.ts";

/** How to write. */
export interface WriteOptions {
  fieldManager: string;
  /** Ask the server what would be, without doing it. */
  dryRun: boolean;
  /** Take fields over that another manager owns. */
  force: boolean;
  signal: AbortSignal;
}

/** The manager of objects that were made by a plain create, until their first update. */
const CREATE_MANAGER = "pulumi-kubernetes";

/** Managers whose fields the first update takes over, by name and kind of operation. */
const TAKEN_OVER = new Set([
  "kubectl/Apply",
  "kubectl/Update",
  "before-first-apply/Update",
  "pulumi-kubernetes/Update",
  "pulumi-kubernetes.exe/Update",
  "pulumi-resource-kubernetes/Update",
]);

/** Server-side apply; the answer is the object as it is afterwards. */
export async function apply(cluster: Cluster, object: PropertyMap, options: WriteOptions): Promise<PropertyMap> {
  const call: Call = {
    method: "PATCH",
    path: await cluster.discovery.path(object),
    query: { fieldManager: options.fieldManager, force: String(options.force), dryRun: dryRun(options) },
    body: object,
    contentType: "application/apply-patch+yaml",
    signal: options.signal,
  };
  try {
    return await cluster.connection.send(call);
  } catch (error) {
    throw isConflict(error) ? conflict(error, options.fieldManager) : error;
  }
}

/** A plain create, which fails when the object exists. */
export async function create(cluster: Cluster, object: PropertyMap, options: WriteOptions): Promise<PropertyMap> {
  return await cluster.connection.send({
    method: "POST",
    path: await cluster.discovery.path(object, ""),
    query: { fieldManager: CREATE_MANAGER, dryRun: dryRun(options) },
    body: object,
    signal: options.signal,
  });
}

/** The live object. */
export async function get(cluster: Cluster, object: PropertyMap, name = nameOf(object)): Promise<PropertyMap> {
  return await cluster.connection.send({ method: "GET", path: await cluster.discovery.path(object, name) });
}

/**
 * Gives all fields of a manager back: what nobody else owns goes. It is an apply of nothing but the object's identity;
 * like the real provider's it would create the object again if it were gone.
 */
export async function relinquish(cluster: Cluster, object: PropertyMap, options: WriteOptions): Promise<void> {
  const [name, namespace] = [nameOf(object), namespaceOf(object)];
  const metadata: PropertyMap = namespace === "" ? { name } : { name, namespace };
  await apply(cluster, { apiVersion: apiVersionOf(object), kind: kindOf(object), metadata }, options);
}

/** Before the first apply to an object that a plain create made: its fields become ours, else both would own them. */
export async function adoptFields(cluster: Cluster, live: PropertyMap, options: WriteOptions): Promise<void> {
  const managed = mapAt(live, "metadata").managedFields;
  if (options.dryRun || !Array.isArray(managed)) return;
  const entries = managed as PropertyMap[];
  const foreign = entries.filter((entry) => TAKEN_OVER.has(`${textOf(entry.manager)}/${textOf(entry.operation)}`));
  if (foreign.length === 0) return;
  const ours = foreign.map((entry) => ({ ...entry, manager: options.fieldManager, operation: "Apply" }));
  const others = entries.filter((entry) => !foreign.includes(entry) && entry.manager !== options.fieldManager);
  await cluster.connection.send({
    method: "PATCH",
    path: await cluster.discovery.path(live),
    contentType: "application/json-patch+json",
    body: [
      { op: "replace", path: "/metadata/managedFields", value: [...ours.slice(0, 1), ...others] },
      { op: "replace", path: "/metadata/resourceVersion", value: mapAt(live, "metadata").resourceVersion ?? "" },
    ],
    signal: options.signal,
  });
}

/** Whether an apply takes fields over from their owners: on request, and where a preview has nothing to compare. */
export function mustForce(inputs: PropertyMap, live: PropertyMap | undefined, preview: boolean): boolean {
  if (annotation(inputs, ANNOTATIONS.patchForce) === "true") return true;
  if (live === undefined) return preview;
  const managed = mapAt(live, "metadata").managedFields;
  const entries = Array.isArray(managed) ? (managed as PropertyMap[]) : [];
  if (entries.length === 0) return true;
  return preview && entries.some((entry) => entry.operation === "Update" && entry.manager === CREATE_MANAGER);
}

function dryRun({ dryRun }: WriteOptions): string | undefined {
  return dryRun ? "All" : undefined;
}

function isConflict(error: unknown): error is KubeError {
  return error instanceof KubeError && error.reason === "Conflict";
}

function conflict(error: KubeError, manager: string): Error {
  return new Error(
    "server-side apply field conflict detected, see " +
      "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/" +
      "#handle-field-conflicts-on-existing-resources for troubleshooting help\n" +
      `The resource managed by field manager "${manager}" had an apply conflict: ${error.message}`,
    { cause: error },
  );
}
