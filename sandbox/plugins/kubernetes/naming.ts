/** Names that the provider makes up: of objects without one, and of field managers. */
import { createHash, randomBytes } from "node:crypto";
import { isObject, isUnknown, type PropertyMap } from "../core/values.ts";
import { annotation, ANNOTATIONS, mapAt, nameOf, withAnnotation, withMetadata } from "./objects.ts";

/** Eight hexadecimal digits: from the engine's seed where there is one, so that a preview names what `up` makes. */
function hexSuffix(seed: Uint8Array): string {
  const bytes = seed.length === 0 ? randomBytes(4) : createHash("sha256").update(seed).digest();
  return bytes.toString("hex").slice(0, 8);
}

/** The manager under which a resource's fields are owned: as annotated, else as before, else a new random one. */
export function fieldManagerOf(inputs: PropertyMap, before: string): string {
  const annotated = annotation(inputs, ANNOTATIONS.patchFieldManager);
  return annotated || before || `pulumi-kubernetes-${hexSuffix(new Uint8Array())}`;
}

/** Gives an unnamed object a name: that of its last version if the provider made that one up, too, else a new one. */
export function autoname(
  inputs: PropertyMap,
  olds: PropertyMap | undefined,
  made: { name: string; seed: Uint8Array },
): PropertyMap {
  if (isNamed(inputs)) return inputs;
  if (olds === undefined) return named(inputs, `${made.name}-${hexSuffix(made.seed)}`);
  return annotation(olds, ANNOTATIONS.autonamed) === "true" ? named(inputs, nameOf(olds)) : inputs;
}

function named(inputs: PropertyMap, name: string): PropertyMap {
  return withAnnotation(withMetadata(inputs, { name }), ANNOTATIONS.autonamed, "true");
}

/** True when the object has a name, or may have one that isn't known yet. */
function isNamed(inputs: PropertyMap): boolean {
  const name = mapAt(inputs, "metadata").name;
  if (inputs.metadata !== undefined && !isObject(inputs.metadata)) return true;
  return isUnknown(name) || (typeof name === "string" && name !== "");
}
