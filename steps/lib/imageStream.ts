import type { Kubectl, KubeObject } from "./kubectl.ts";

interface ImageStream extends KubeObject {
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
