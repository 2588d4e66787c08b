import { readFileSync } from "node:fs";
import { isObject, mapValues, type PropertyMap, SECRET, SIGNATURE, type Value } from "../../plugins/core/values.ts";

/** One resource as the real plugin left it in a state. */
export interface RecordedResource {
  name: string;
  id: string;
  inputs: PropertyMap;
  outputs: PropertyMap;
  /** Outputs that the engine marks as secret because the SDK or the program asks for it. */
  additionalSecretOutputs: string[];
}

const FILE = new URL("../fixtures/realPlugins.json", import.meta.url);

/** The recorded resource of a type, with secrets in the form in which they travel. */
export function recorded(type: string): RecordedResource {
  const { resources } = JSON.parse(readFileSync(FILE, "utf8")) as { resources: Record<string, PropertyMap> };
  const resource = resources[type];
  if (resource === undefined) throw new Error(`nothing recorded for ${type}`);
  return { additionalSecretOutputs: [], ...(onTheWire(resource) as object) } as unknown as RecordedResource;
}

/** A state keeps a secret's JSON text under `plaintext`; the protocol has the value itself under `value`. */
function onTheWire(value: Value): Value {
  if (Array.isArray(value)) return value.map(onTheWire);
  if (!isObject(value)) return value;
  if (value[SIGNATURE] === SECRET && typeof value["plaintext"] === "string") {
    return { [SIGNATURE]: SECRET, value: onTheWire(JSON.parse(value["plaintext"]) as Value) };
  }
  return mapValues(value, onTheWire);
}
