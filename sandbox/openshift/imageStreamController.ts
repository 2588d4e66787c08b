import { Informer, keyOf, type Kube, WorkQueue } from "../kube.ts";
import type { Running } from "../gateway/gateway.ts";
import { imageStreamOf, INTERNAL_REGISTRY } from "./imageReference.ts";
import type { Registry } from "./registry.ts";
import { type ImageStream, imageStreams } from "./resources.ts";

/**
 * Tells each ImageStream its repository, and forgets the images of one that is deleted, or whose tag is: the internal
 * registry finds an image through its ImageStream only.
 */
export async function startImageStreamController(kube: Kube, registry: Registry): Promise<Running> {
  const seenTags = new Map<string, readonly string[]>();
  const forgetTags = (stream: ImageStream): void => {
    const key = keyOf(stream);
    const tags = (stream.status?.tags ?? []).map(({ tag }) => tag);
    // Only what this stream had: an image that is being pushed is in the registry first.
    const gone = (seenTags.get(key) ?? []).filter((tag) => !tags.includes(tag));
    for (const tag of gone) registry.remove(`${INTERNAL_REGISTRY}/${key}:${tag}`);
    seenTags.set(key, tags);
  };
  const streams = new Informer<ImageStream>(kube, imageStreams, {
    changed: (stream) => {
      forgetTags(stream);
      queue.add(keyOf(stream));
    },
    deleted: (stream) => {
      seenTags.delete(keyOf(stream));
      registry.remove(`${INTERNAL_REGISTRY}/${keyOf(stream)}`);
    },
  });
  const queue = new WorkQueue({
    reconcile: async (key) => {
      const stream = streams.get(key);
      const repository = `${INTERNAL_REGISTRY}/${key}`;
      if (stream === undefined || stream.status?.dockerImageRepository === repository) return;
      const { name = "", namespace } = stream.metadata;
      await kube.patchStatus(imageStreams, { name, namespace }, { dockerImageRepository: repository });
    },
  });
  await streams.synced();
  // What was deleted while this process was away.
  for (const repository of registry.repositories()) {
    const stream = imageStreamOf(repository);
    if (stream === undefined || streams.get(`${stream.namespace}/${stream.name}`) !== undefined) continue;
    registry.remove(repository);
  }
  return {
    async stop() {
      await streams.stop();
      await queue.stop();
    },
  };
}
