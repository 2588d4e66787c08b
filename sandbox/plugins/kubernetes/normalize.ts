/** Inputs in the one form in which they are stored and compared. */
import { hasUnknown, isObject, mapValues, type PropertyMap, textOf, type Value } from "../core/values.ts";
import type { Kind } from "./kinds.ts";
import { mapAt, withMetadata } from "./objects.ts";

/** Fields of `metadata` that only the API server writes. */
const READ_ONLY = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];

/**
 * The inputs (without secret envelopes) as the real provider normalizes them: for a built-in kind a round trip through
 * its Go type, which drops what is empty; a Secret's `stringData` folded into `data`; read-only metadata removed.
 */
export function normalizeInputs(inputs: PropertyMap, kind: Kind): PropertyMap {
  const normalized = kind.builtin && !hasUnknown(inputs) ? normalizeBuiltin(inputs, kind) : inputs;
  if (!isObject(normalized.metadata)) return normalized;
  return withMetadata(normalized, Object.fromEntries(READ_ONLY.map((field) => [field, undefined])));
}

function normalizeBuiltin(inputs: PropertyMap, kind: Kind): PropertyMap {
  return kind.kind === "Secret" ? normalizeSecret(inputs) : dropEmpty(inputs);
}

/** Without nulls, empty lists and empty maps, at every depth. */
function dropEmpty(map: PropertyMap): PropertyMap {
  return mapValues(map, (value) => (isEmpty(value) ? undefined : isObject(value) ? dropEmpty(value) : value));
}

function isEmpty(value: Value): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

function normalizeSecret(inputs: PropertyMap): PropertyMap {
  const { stringData, ...rest } = inputs;
  const texts = isObject(stringData) ? stringData : {};
  if (Object.keys(texts).length === 0) return { ...inputs, ...recodedData(inputs) };
  const encoded = mapValues(texts, (text) => Buffer.from(textOf(text), "utf8").toString("base64"));
  return { ...rest, data: { ...mapAt(inputs, "data"), ...encoded } };
}

/** Base64 as the API server will write it: it decodes and encodes again, which drops line breaks. */
function recodedData(inputs: PropertyMap): PropertyMap {
  if (!isObject(inputs.data)) return {};
  const data = mapValues(inputs.data, (value) =>
    typeof value === "string" && isBase64(value) ? Buffer.from(value, "base64").toString("base64") : value,
  );
  return { data };
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text.replace(/[\r\n]/g, ""));
}
