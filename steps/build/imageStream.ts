import { names } from "../../core/names.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";

interface ImageStream extends KubeObject {
  readonly spec?: { readonly tags?: readonly { readonly name: string }[] };
  readonly status?: {
    readonly tags?: readonly { readonly tag: string; readonly items?: readonly { readonly image: string }[] | null }[];
  };
}

/** What was really pushed to an ImageStream: the newest manifest digest of each tag. Empty when there is none. */
export async function readPushedTags(
  kubectl: Kubectl,
  namespace: string,
  name: string,
): Promise<Record<string, string>> {
  const stream = await kubectl.get<ImageStream>("imagestreams.image.openshift.io", name, namespace);
  const tags = stream?.status?.tags ?? [];
  return Object.fromEntries(
    tags.flatMap(({ tag, items }) => (items?.[0] === undefined ? [] : [[tag, items[0].image]])),
  );
}

/** The tags of the Driver Toolkit, each an OS version; empty where there is none. */
export async function readToolkitTags(kubectl: Kubectl): Promise<string[]> {
  const { toolkitImageStream, toolkitNamespace } = names;
  const stream = await kubectl.get<ImageStream>(
    "imagestreams.image.openshift.io",
    toolkitImageStream,
    toolkitNamespace,
  );
  return stream?.spec?.tags?.map(({ name }) => name) ?? [];
}

/** Deletes a tag, if it exists: nothing can be pulled by it any more. */
export async function deleteTag(kubectl: Kubectl, namespace: string, name: string, tag: string): Promise<void> {
  // By its path: the resource is OpenShift's own, and isn't listed for clients in every installation of ours.
  const path = `/apis/image.openshift.io/v1/namespaces/${namespace}/imagestreamtags/${name}:${tag}`;
  await kubectl.runIfThere(["delete", "--raw", path]);
}
