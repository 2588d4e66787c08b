/**
 * Property values as the Pulumi engine and its plugins exchange them: plain JSON, in which a secret is an object with
 * a marker key and an unknown (a value that only exists after an `up`) is a marker string.
 * Source of the markers: the Go SDK's `resource.SecretSig`, `plugin.UnknownStringValue` and its siblings.
 */

/** Any property value on the wire. */
export type Value = null | boolean | number | string | Value[] | PropertyMap;

/** A resource's inputs or outputs. */
export interface PropertyMap {
  [key: string]: Value;
}

/** The key that says "this object is not an object but something special". */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** The marker of a secret; the secret itself is under `value`. */
export const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** The unknown string: the one that the Node SDK writes for unknowns of every type. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Unknowns of all types: string, boolean, number, array, asset, archive, object. */
const UNKNOWNS = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** True for an object (not a list, not null), a secret's envelope included. */
export function isObject(value: Value | undefined): value is PropertyMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for a secret's envelope. */
export function isSecret(value: Value | undefined): value is PropertyMap {
  return isObject(value) && value[SIGNATURE] === SECRET;
}

/** Marks a value as secret; one that is secret already stays as it is. */
export function secret(value: Value): Value {
  return isSecret(value) ? value : { [SIGNATURE]: SECRET, value };
}

/** True for an unknown value. */
export function isUnknown(value: Value | undefined): boolean {
  return typeof value === "string" && UNKNOWNS.has(value);
}

/** The value without any secret envelope, at every depth. */
export function reveal(value: Value): Value {
  if (isSecret(value)) return reveal(value.value ?? null);
  if (Array.isArray(value)) return value.map(reveal);
  if (isObject(value)) return mapValues(value, reveal);
  return value;
}

/** {@link reveal} for a whole property map. */
export function revealAll(properties: PropertyMap): PropertyMap {
  return mapValues(properties, reveal);
}

/** True when some part of the value satisfies `test`. */
function some(value: Value | undefined, test: (part: Value | undefined) => boolean): boolean {
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((item) => some(item, test));
  return isObject(value) && Object.values(value).some((item) => some(item, test));
}

/** True when the value is unknown or has an unknown inside. */
export function hasUnknown(value: Value | undefined): boolean {
  return some(value, isUnknown);
}

/** True when the value is secret or has a secret inside. */
export function hasSecret(value: Value | undefined): boolean {
  return some(value, isSecret);
}

/** Applies `change` to each value of a map; `undefined` drops the key. */
export function mapValues(map: PropertyMap, change: (value: Value, key: string) => Value | undefined): PropertyMap {
  const result: PropertyMap = {};
  for (const [key, value] of Object.entries(map)) {
    const changed = change(value, key);
    if (changed !== undefined) result[key] = changed;
  }
  return result;
}

/** Equality of two values, secretness included: a value that becomes secret has changed. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (isObject(a) && isObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => equal(a[key], b[key]));
  }
  return a === b;
}

/** A scalar's text; empty for everything else. */
export function textOf(value: Value | undefined): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
