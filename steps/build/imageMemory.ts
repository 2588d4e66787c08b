import { isDeepStrictEqual } from "node:util";
import {
  imageMemoryAnnotations,
  parseImageMemory,
  withSigned,
  withSpoilt,
  type ImageMemory,
} from "../../core/build/imageMemory.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { StepError } from "../lib/step.ts";

/** What the stack with this namespace remembers of its images. */
export async function readImageMemory(kubectl: Kubectl, namespace: string): Promise<ImageMemory> {
  return imageMemoryOf(await kubectl.get<KubeObject>("namespaces", namespace));
}

/** @throws StepError when an annotation doesn't hold what this program writes */
export function imageMemoryOf(namespace: KubeObject | undefined): ImageMemory {
  try {
    return parseImageMemory(namespace?.metadata.annotations);
  } catch (error) {
    const text = `namespace ${namespace?.metadata.name ?? ""}: ${(error as Error).message}`;
    throw new StepError("OKMM-ANNOTATION-BROKEN", text);
  }
}

/** Remembers these digests by tag, as those that KMM has told to be signed. */
export const rememberSigned = (kubectl: Kubectl, namespace: string, images: Readonly<Record<string, string>>) =>
  change(kubectl, namespace, (memory) => withSigned(memory, images));

/** Remembers a tag, without its kernel, as one that must never be used again. */
export const rememberSpoilt = (kubectl: Kubectl, namespace: string, stem: string) =>
  change(kubectl, namespace, (memory) => withSpoilt(memory, stem));

/** One step of a stack at a time follows its images: nobody else writes in between. */
async function change(kubectl: Kubectl, namespace: string, by: (memory: ImageMemory) => ImageMemory): Promise<void> {
  const before = await readImageMemory(kubectl, namespace);
  const annotations = imageMemoryAnnotations(by(before));
  if (isDeepStrictEqual(annotations, imageMemoryAnnotations(before))) return;
  const patch = JSON.stringify({ metadata: { annotations } });
  await kubectl.run(["patch", "namespace", namespace, "--type=merge", "-p", patch]);
}
