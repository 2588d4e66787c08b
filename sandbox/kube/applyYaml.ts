import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import type { Kube } from "./client.ts";
import { KubeError } from "./error.ts";
import { apiVersionOf, type KubeObject, type Resource } from "./objects.ts";

interface Discovery {
  resources: { name: string; kind: string; namespaced: boolean }[];
}

interface Definition extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

/** CustomResourceDefinitions, for waiting until one is served. */
const crds: Resource<Definition> = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
};

/** How long a new CRD may take until its objects are served. */
const ESTABLISH_MS = 20_000;

class NotServed extends Error {}

/** The resource that serves objects of this type, from the server's discovery. A type not served is an error. */
async function discover(kube: Kube, apiVersion: string, kind: string): Promise<Resource> {
  const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const { resources } = (await kube.raw("GET", path)) as Discovery;
  const found = resources.find((entry) => entry.kind === kind && !entry.name.includes("/"));
  if (found === undefined) throw new NotServed(`${apiVersion} ${kind}: the API server doesn't serve this type`);
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return { group, version, plural: found.name, kind, namespaced: found.namespaced };
}

/** All objects of a YAML file with one or more documents. */
export async function readObjects(file: string | URL): Promise<KubeObject[]> {
  const documents = parseAllDocuments(await readFile(file, "utf8"));
  const objects: unknown[] = [];
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`${String(file)}: ${error.message}`);
    objects.push(document.toJS());
  }
  return objects.filter((object): object is KubeObject => object !== null);
}

/**
 * Applies the objects one after the other (server-side apply); after each CRD it waits until its type is served. A
 * `status` is written through the status subresource where the type has one.
 */
export async function applyObjects(kube: Kube, objects: KubeObject[]): Promise<void> {
  for (const object of objects) {
    const resource = await discoverSoon(kube, object.apiVersion ?? "", object.kind ?? "");
    const { status, ...rest } = object as KubeObject & { status?: unknown };
    await kube.apply(resource, rest);
    const { name = "", namespace } = object.metadata;
    if (status !== undefined) await kube.patchStatus(resource, { name, namespace }, status);
    if (object.kind === crds.kind && object.apiVersion === apiVersionOf(crds)) await untilServed(kube, name);
  }
}

/** A freshly established CRD may be missing from discovery for a moment. */
async function discoverSoon(kube: Kube, apiVersion: string, kind: string): Promise<Resource> {
  const deadline = Date.now() + ESTABLISH_MS;
  for (;;) {
    try {
      return await discover(kube, apiVersion, kind);
    } catch (error) {
      const missing = error instanceof NotServed || (error instanceof KubeError && error.status === 404);
      if (!missing || Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

async function untilServed(kube: Kube, name: string): Promise<void> {
  const deadline = Date.now() + ESTABLISH_MS;
  for (;;) {
    const { status } = await kube.get(crds, { name });
    const conditions = status?.conditions ?? [];
    if (conditions.some(({ type, status: value }) => type === "Established" && value === "True")) return;
    if (Date.now() > deadline) throw new Error(`CRD ${name}: not established: ${JSON.stringify(conditions)}`);
    await sleep(20);
  }
}
