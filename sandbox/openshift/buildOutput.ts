import { setTimeout as sleep } from "node:timers/promises";
import { isAlreadyExists, type Kube, KubeError } from "../kube.ts";
import type { Switches } from "../switches.ts";
import { BuildFailure } from "./builder/failure.ts";
import { imageStreamOf, INTERNAL_REGISTRY, parseImageName } from "./imageReference.ts";
import { isOutside, OutsideRegistry, RegistryRefusal } from "./outsideRegistry.ts";
import type { ImageContent, Registry } from "./registry.ts";
import { type Build, type ImageStream, imageStreams, type TagEvent } from "./resources.ts";

/** How long a push rests while the API server is away. */
const RETRY_MS = 300;

/** The pull spec that a Build pushes to; undefined for a Build without output. */
export function outputReference(build: Build): string | undefined {
  const to = build.spec.output?.to;
  if (to === undefined) return undefined;
  if (to.kind !== "ImageStreamTag") return to.name;
  return `${INTERNAL_REGISTRY}/${to.namespace ?? build.metadata.namespace ?? ""}/${to.name}`;
}

/** Stores the image where the Build says, and tells its ImageStream. Answers the digest. Throws a BuildFailure. */
export async function pushImage(
  env: { kube: Kube; registry: Registry; switches: Switches; signal: AbortSignal },
  build: Build,
  content: ImageContent,
  say: (line: string) => void,
): Promise<string | undefined> {
  const reference = outputReference(build);
  if (reference === undefined) return undefined;
  say(`Pushing image ${reference} ...`);
  const name = parseImageName(reference);
  if (name?.tag === undefined) throw pushFailure(`invalid reference format: ${reference}`);
  const stream = imageStreamOf(name.repository);
  if (stream === undefined && build.spec.output?.pushSecret == null)
    throw pushFailure("unauthorized: authentication required");
  if (env.switches.matches("push.fail", reference))
    throw pushFailure("received unexpected HTTP status: 503 Service Unavailable");
  const digest = isOutside(reference)
    ? await pushOutside(env.kube, build, reference, content)
    : env.registry.push(reference, content);
  if (stream !== undefined)
    await persist(() => recordTag(env.kube, stream, { tag: name.tag ?? "", digest }), env.signal);
  say("Push successful");
  say(`Successfully pushed ${name.repository}@${digest}`);
  return digest;
}

async function pushOutside(kube: Kube, build: Build, reference: string, content: ImageContent): Promise<string> {
  const secret = { namespace: build.metadata.namespace ?? "", name: build.spec.output?.pushSecret?.name };
  try {
    return await new OutsideRegistry(kube).push(reference, content, secret);
  } catch (error) {
    if (error instanceof RegistryRefusal) throw pushFailure(error.message);
    throw error;
  }
}

const pushFailure = (why: string): BuildFailure =>
  new BuildFailure("PushImageToRegistryFailed", `Failed to push image: ${why}`);

/** Tries again while the API server is away; its refusals are final. */
async function persist(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof KubeError && error.status < 500) throw pushFailure(error.message);
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** A push makes the ImageStream when it isn't there, and puts the image first in the tag's history. Others push meanwhile. */
async function recordTag(
  kube: Kube,
  target: { namespace: string; name: string },
  image: { tag: string; digest: string },
): Promise<void> {
  if ((await kube.find(imageStreams, target)) === undefined) await createStream(kube, target);
  await kube.change(imageStreams, target, (stream) => withTag(stream, target, image), "status");
}

function withTag(
  stream: ImageStream,
  target: { namespace: string; name: string },
  image: { tag: string; digest: string },
): ImageStream {
  const tags = stream.status?.tags ?? [];
  const items = tags.find(({ tag }) => tag === image.tag)?.items ?? [];
  const repository = `${INTERNAL_REGISTRY}/${target.namespace}/${target.name}`;
  const event: TagEvent = {
    created: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    dockerImageReference: `${repository}@${image.digest}`,
    image: image.digest,
    generation: stream.metadata.generation ?? 1,
  };
  const others = tags.filter(({ tag }) => tag !== image.tag);
  const status = { ...stream.status, dockerImageRepository: repository };
  return { ...stream, status: { ...status, tags: [...others, { tag: image.tag, items: [event, ...items] }] } };
}

/** Another push may have made it in this moment. */
async function createStream(kube: Kube, target: { namespace: string; name: string }): Promise<void> {
  await kube.create(imageStreams, { metadata: target }).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}
