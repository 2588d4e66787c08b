/** What a change of inputs does to an object: nothing, an update, or a replacement. */
import { type Changes, type Diff, diffMaps, replaces, replaceWhere } from "../core/diff.ts";
import { isObject, isUnknown, mapValues, type PropertyMap, type Value } from "../core/values.ts";
import { prune } from "./checkpoint.ts";
import type { Kind } from "./kinds.ts";
import { annotation, ANNOTATIONS, mapAt, nameOf, namespaceOf, withMetadata } from "./objects.ts";

/** Both sides of the comparison; inputs are normalized and without secret envelopes. */
export interface Comparison {
  kind: Kind;
  namespaced: boolean;
  live: PropertyMap;
  oldInputs: PropertyMap;
  inputs: PropertyMap;
}

/**
 * Compares the new inputs with the live object as the state knows it, cut down to what the old inputs spoke of: so
 * that a drift seen by a refresh is a change, and what the cluster adds by itself is not.
 */
export function planChange({ kind, namespaced, live, oldInputs, inputs }: Comparison): Diff {
  const [old, now] = [prune(live, oldInputs), inputs].map((side) =>
    withMetadata(withoutNulls(side), { namespace: namespaced ? namespaceOf(side) || "default" : undefined }),
  ) as [PropertyMap, PropertyMap];
  const named = hasName(now) ? withMetadata(old, { name: nameOf(live) }) : old;
  const replaceOn = [...(kind.patch ? [] : kind.replaceOn), "metadata.name", "metadata.namespace"];
  const changes = replaceWhere(diffMaps(named, withUnknownMapsEmpty(now, named)), (path) =>
    replaceOn.some((field) => touches(path, field, { old: named, now })),
  );
  return { changes, deleteBeforeReplace: mustGoFirst(now, live, changes), deletesAreInputs: true };
}

/** True when the change at `path` is one of `field`, lies inside it, or brings or takes it as a whole. */
function touches(path: string, field: string, sides: { old: PropertyMap; now: PropertyMap }): boolean {
  if (path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`)) return true;
  return field.startsWith(`${path}.`) && has(sides.old, field) !== has(sides.now, field);
}

function has(map: PropertyMap, field: string): boolean {
  let value: Value | undefined = map;
  for (const key of field.split(".")) value = isObject(value) ? value[key] : undefined;
  return value !== undefined;
}

/** With a fixed name and the same place, the old object must go before the new one can come. */
function mustGoFirst(inputs: PropertyMap, live: PropertyMap, changes: Changes): boolean {
  return (
    replaces(changes) &&
    hasName(inputs) &&
    annotation(inputs, ANNOTATIONS.autonamed) !== "true" &&
    nameOf(inputs) === nameOf(live) &&
    namespaceOf(inputs) === namespaceOf(live)
  );
}

function hasName(inputs: PropertyMap): boolean {
  const name = mapAt(inputs, "metadata").name;
  return name !== undefined && (isUnknown(name) || name !== "");
}

/**
 * Where the old side has a map and the new one an unknown, the real provider's merge patch takes the map's entries away
 * one by one: its diff tells of deletes below the field, and not of an update of the field.
 */
function withUnknownMapsEmpty(now: PropertyMap, old: PropertyMap): PropertyMap {
  return mapValues(now, (value, key) => emptyWhereUnknown(value, old[key]));
}

function emptyWhereUnknown(now: Value, old: Value | undefined): Value {
  if (isUnknown(now)) return isObject(old) ? {} : now;
  if (isObject(now) && isObject(old)) return withUnknownMapsEmpty(now, old);
  if (Array.isArray(now) && Array.isArray(old)) return now.map((item, index) => emptyWhereUnknown(item, old[index]));
  return now;
}

function withoutNulls(map: PropertyMap): PropertyMap {
  return mapValues(map, (value) => (value === null ? undefined : isObject(value) ? withoutNulls(value) : value));
}
