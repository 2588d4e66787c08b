import { z } from "zod";
import { quoted } from "../text.ts";
import { annotations } from "../names.ts";

/**
 * What a stack knows about its kmod images beyond what the registry reports, in annotations of its namespace. That KMM
 * reports an image to exist says nothing about its signature: from KMM 2.7 on an image is unsigned under its final tag until the signed one
 * replaces it, and stays so when the signature fails.
 */
export interface ImageMemory {
  /** Digests by tag: those that KMM reported as signed. */
  readonly signed: Readonly<Record<string, string>>;
  /**
   * Tags without their kernels, {@link file://./imageTag.ts stems}, under which a node may have an unsigned image in its
   * own storage: never used again, because nodes don't pull a tag that they have.
   */
  readonly spoilt: readonly string[];
}

/** How many signed images are remembered, the newest: more than a stack has kernels and versions to go back to. */
const remembered = 100;

const signed = z.record(z.string(), z.string());
const spoilt = z.array(z.string());

/** @throws Error that names an unreadable annotation */
export function parseImageMemory(found: Readonly<Record<string, string>> = {}): ImageMemory {
  return {
    signed: parse(annotations.signed, found, signed, {}),
    spoilt: parse(annotations.spoilt, found, spoilt, []),
  };
}

/** The annotations that hold this memory. */
export const imageMemoryAnnotations = (memory: ImageMemory): Record<string, string> => ({
  [annotations.signed]: JSON.stringify(memory.signed),
  [annotations.spoilt]: JSON.stringify(memory.spoilt),
});

export function withSigned(memory: ImageMemory, images: Readonly<Record<string, string>>): ImageMemory {
  const others = Object.entries(memory.signed).filter(([tag]) => images[tag] === undefined);
  return { ...memory, signed: Object.fromEntries([...others, ...Object.entries(images)].slice(-remembered)) };
}

export const withSpoilt = (memory: ImageMemory, stem: string): ImageMemory => ({
  ...memory,
  spoilt: [...new Set([...memory.spoilt, stem])],
});

function parse<T>(key: string, found: Readonly<Record<string, string>>, schema: z.ZodType<T>, otherwise: T): T {
  const text = found[key];
  if (text === undefined) return otherwise;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Error(`the namespace's annotation ${key} holds ${quoted(text)}; remove it, and run \`pulumi up\` again`);
  }
}
