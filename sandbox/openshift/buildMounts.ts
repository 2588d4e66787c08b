import type { Kube, KubeObject, Resource } from "../kube.ts";
import type { Build, BuildVolume } from "./resources.ts";

interface Data extends KubeObject {
  /** In a Secret: base64. */
  data?: Record<string, string>;
}

const core = { group: "", version: "v1", namespaced: true } as const;
const secrets: Resource<Data> = { ...core, plural: "secrets", kind: "Secret" };
const configMaps: Resource<Data> = { ...core, plural: "configmaps", kind: "ConfigMap" };

/**
 * The files that a Build's volumes show to its RUN instructions: absolute path → content. Undefined while a Secret or
 * ConfigMap isn't there: the kubelet then waits for it, and the build stays Pending.
 */
export async function readMounts(kube: Kube, build: Build): Promise<Map<string, Buffer> | undefined> {
  const mounts = new Map<string, Buffer>();
  for (const volume of build.spec.strategy?.dockerStrategy?.volumes ?? []) {
    const found = await readVolume(kube, build.metadata.namespace ?? "", volume);
    if (found === undefined) return undefined;
    for (const { destinationPath = "" } of volume.mounts ?? []) {
      for (const [key, content] of found) mounts.set(`${destinationPath}/${key}`, content);
    }
  }
  return mounts;
}

/** The volume's entries; none for one that is missing and optional. */
async function readVolume(
  kube: Kube,
  namespace: string,
  { source: { secret, configMap } }: BuildVolume,
): Promise<[string, Buffer][] | undefined> {
  const name = secret?.secretName ?? configMap?.name ?? "";
  const object = await kube.find(secret === undefined ? configMaps : secrets, { namespace, name });
  if (object === undefined) return secret?.optional === true ? [] : undefined;
  const encoding = secret === undefined ? "utf8" : "base64";
  return Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]);
}
