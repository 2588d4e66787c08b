/** Kubernetes objects as plain property maps, and the few fields that the provider itself reads. */
import { isObject, type PropertyMap, type Value } from "../core/values.ts";

/** Annotations by which a program steers the provider. */
export const ANNOTATIONS = {
  autonamed: "pulumi.com/autonamed",
  deletionPropagationPolicy: "pulumi.com/deletionPropagationPolicy",
  patchFieldManager: "pulumi.com/patchFieldManager",
  patchForce: "pulumi.com/patchForce",
  skipAwait: "pulumi.com/skipAwait",
  timeoutSeconds: "pulumi.com/timeoutSeconds",
  waitFor: "pulumi.com/waitFor",
} as const;

/** A map inside another one; absent, null or something else counts as empty. */
export function mapAt(map: PropertyMap, key: string): PropertyMap {
  const value = map[key];
  return isObject(value) ? value : {};
}

function textAt(map: PropertyMap, key: string): string {
  const value = map[key];
  return typeof value === "string" ? value : "";
}

/** `metadata.name`, empty when there is none. */
export function nameOf(object: PropertyMap): string {
  return textAt(mapAt(object, "metadata"), "name");
}

/** `metadata.namespace`, empty when there is none. */
export function namespaceOf(object: PropertyMap): string {
  return textAt(mapAt(object, "metadata"), "namespace");
}

/** `kind`. */
export function kindOf(object: PropertyMap): string {
  return textAt(object, "kind");
}

/** `apiVersion`. */
export function apiVersionOf(object: PropertyMap): string {
  return textAt(object, "apiVersion");
}

/** One annotation, empty when there is none. */
export function annotation(object: PropertyMap, key: string): string {
  return textAt(mapAt(mapAt(object, "metadata"), "annotations"), key);
}

/** The object with some fields of its `metadata` changed; undefined removes one. */
export function withMetadata(object: PropertyMap, fields: Record<string, Value | undefined>): PropertyMap {
  const metadata = { ...mapAt(object, "metadata") };
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) Reflect.deleteProperty(metadata, key);
    else metadata[key] = value;
  }
  return { ...object, metadata };
}

/** The object with one more annotation. */
export function withAnnotation(object: PropertyMap, key: string, value: string): PropertyMap {
  return withMetadata(object, { annotations: { ...mapAt(mapAt(object, "metadata"), "annotations"), [key]: value } });
}

/** A resource's id: `namespace/name`, or the name alone in no namespace. */
export function idOf(object: PropertyMap): string {
  const namespace = namespaceOf(object);
  return namespace === "" ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}

/** The two halves of an id. */
export function parseId(id: string): { namespace: string; name: string } {
  const [first = "", second] = id.split("/");
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}
