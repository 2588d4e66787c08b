import { readdir, readFile } from "node:fs/promises";
import { parse } from "yaml";
import { applyObjects, Kube, type KubeObject, readObjects, type Resource } from "../kube.ts";
import { type Line, type LineName, LINES } from "./lines.ts";

interface Version extends KubeObject {
  spec?: unknown;
  status?: { phase?: string };
}

const versions: Resource<Version> = {
  group: "operators.coreos.com",
  version: "v1alpha1",
  plural: "clusterserviceversions",
  kind: "ClusterServiceVersion",
  namespaced: true,
};

interface NamespacedName {
  namespace: string;
  name: string;
}

const NAMESPACE = "openshift-kmm";
const PACKAGE = "kernel-module-management";
const CRDS = new URL("crds/", import.meta.url);
/** In a line's folder: by a CRD's name, what its schema has more than the common one. */
const ADDITIONS = "additions.yaml";

/**
 * Gives the cluster this KMM's types and its ClusterServiceVersion, as OpenShift's operator management does: another
 * version's goes once the new one is there, and objects stay. Nothing is done where it is installed already, unless KMM's
 * own programs bring types of their own.
 */
export async function installKmm(kubeconfig: string, name: LineName, types?: KubeObject[]): Promise<void> {
  const kube = await Kube.fromKubeconfig(kubeconfig);
  try {
    const line = LINES[name];
    const target = { namespace: NAMESPACE, name: `${PACKAGE}.v${line.version}` };
    const found = await kube.find(versions, target);
    if (types !== undefined) await applyObjects(kube, types);
    else if (found?.status?.phase !== "Succeeded") await applyObjects(kube, await definitions(line));
    if (found?.status?.phase !== "Succeeded") await installVersion(kube, line, target);
    await removeOthers(kube, target.name);
  } finally {
    kube.close();
  }
}

async function installVersion(kube: Kube, { version }: Line, target: NamespacedName): Promise<void> {
  const displayName = "Kernel Module Management";
  await kube.apply(versions, { metadata: target, spec: { displayName, version, install: { strategy: "deployment" } } });
  const message = "install strategy completed with no errors";
  await kube.patchStatus(versions, target, { phase: "Succeeded", reason: "InstallSucceeded", message });
}

async function removeOthers(kube: Kube, name: string): Promise<void> {
  const { items } = await kube.list(versions, { namespace: NAMESPACE });
  const others = items.map(({ metadata }) => metadata.name ?? "").filter((each) => each.startsWith(`${PACKAGE}.`));
  for (const other of others) if (other !== name) await kube.delete(versions, { namespace: NAMESPACE, name: other });
}

/** The common CRDs with the line's additions, and the line's own. */
async function definitions({ schemas }: Line): Promise<KubeObject[]> {
  const own = await Promise.all(schemas.map((folder) => objectsIn(new URL(`${folder}/`, CRDS))));
  const all = [...(await objectsIn(CRDS)), ...own.flat()];
  for (const folder of schemas) {
    const additions = parse(await readFile(new URL(`${folder}/${ADDITIONS}`, CRDS), "utf8")) as Record<string, unknown>;
    for (const [name, addition] of Object.entries(additions)) extend(all, name, addition);
  }
  return all;
}

async function objectsIn(folder: URL): Promise<KubeObject[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml") && file !== ADDITIONS).sort();
  return (await Promise.all(files.map((file) => readObjects(new URL(file, folder))))).flat();
}

/** A CRD, as far as it is extended; each of KMM's has one version. */
interface Definition extends KubeObject {
  spec: { versions: { schema: { openAPIV3Schema: Tree } }[] };
}

interface Tree {
  [name: string]: unknown;
}

function extend(all: KubeObject[], name: string, addition: unknown): void {
  const found = all.find(({ metadata }) => metadata.name === name) as Definition | undefined;
  const [version] = found?.spec.versions ?? [];
  if (version === undefined) throw new Error(`${ADDITIONS}: there is no CRD ${name}`);
  version.schema.openAPIV3Schema = merged(version.schema.openAPIV3Schema, addition) as Tree;
}

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

function merged(base: unknown, addition: unknown): unknown {
  if (!isTree(base) || !isTree(addition)) return addition;
  const entries = Object.entries(addition).map(([name, value]) => [name, merged(base[name], value)]);
  return { ...base, ...(Object.fromEntries(entries) as Tree) };
}
