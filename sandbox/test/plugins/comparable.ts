import { childPath } from "../../plugins/core/diff.ts";
import { isObject, isSecret, type PropertyMap, secret, type Value } from "../../plugins/core/values.ts";

/** Values that differ from run to run: by their path, a pattern of what they must look like. */
export type Volatile = Record<string, RegExp>;

/**
 * Properties in a form that two runs have in common: each volatile value becomes its pattern, if it matches. PEM bodies
 * are blanked; the recording has lost the newline after those that weren't secret.
 */
export function comparable(properties: PropertyMap, volatile: Volatile = {}): Value {
  return compare(properties, "", volatile);
}

function compare(value: Value, path: string, volatile: Volatile): Value {
  if (isSecret(value)) return { secret: compare(value["value"] ?? null, path, volatile) };
  if (Array.isArray(value)) return value.map((item, index) => compare(item, childPath(path, index), volatile));
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, compare(item, childPath(path, key), volatile)]),
    );
  }
  const pattern = volatile[path];
  if (pattern?.test(String(value)) === true) return `${typeof value} like ${pattern.source}`;
  return typeof value === "string" ? blankPem(value) : value;
}

function blankPem(text: string): string {
  return text
    .replace(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g, "<$1 PEM>")
    .replace(/^(<[A-Z0-9 ]+ PEM>)\n$/, "$1");
}

/** Outputs as the engine stores them: marked where the SDK or the program asks for it. */
export function asStored(outputs: PropertyMap, additionalSecretOutputs: string[]): PropertyMap {
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [key, additionalSecretOutputs.includes(key) ? secret(value) : value]),
  );
}
