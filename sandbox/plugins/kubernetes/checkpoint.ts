/**
 * A resource's outputs: the live object, and beside it under `__…` keys what the provider needs later.
 * Source: pulumi-kubernetes, `checkpointObject`, `annotateSecrets`, `pruneMap`; compared with a recorded state.
 */
import {
  hasSecret,
  isObject,
  isSecret,
  type PropertyMap,
  reveal,
  revealAll,
  secret,
  type Value,
} from "../core/values.ts";
import { apiVersionOf, kindOf } from "./objects.ts";

/** What the outputs remember besides the live object. */
export interface Checkpoint {
  /** The inputs of the last create or update, normalized, without secret envelopes. */
  inputs: PropertyMap;
  /** The object as the API server last returned it, without secret envelopes. */
  live: PropertyMap;
  /** The apiVersion at the object's birth. */
  initialApiVersion: string;
  /** The server-side apply manager that owns our fields. */
  fieldManager: string;
}

/** The outputs; `marked` are the inputs with their secret envelopes, which say what is secret in both halves. */
export function toOutputs(checkpoint: Checkpoint, marked: PropertyMap): PropertyMap {
  const live = markSecrets(checkpoint.live, marked);
  const inputs = markSecrets(checkpoint.inputs, marked);
  return {
    ...live,
    __inputs: inputs,
    __initialApiVersion: checkpoint.initialApiVersion,
    __fieldManager: checkpoint.fieldManager,
  };
}

/** Reads outputs back; an absent half is empty. */
export function fromOutputs(outputs: PropertyMap): Checkpoint {
  const { __inputs: inputs, __initialApiVersion: version, __fieldManager: manager, ...live } = revealAll(outputs);
  return {
    inputs: isObject(inputs) ? inputs : {},
    live,
    initialApiVersion: typeof version === "string" ? version : apiVersionOf(live),
    fieldManager: typeof manager === "string" ? manager : "",
  };
}

/**
 * Copies secretness from `marked` to the same places of `values`. A secret anywhere in a list makes the whole list
 * secret, because its order may change. Of a Secret, all data is secret, whatever the program said.
 */
export function markSecrets(values: PropertyMap, marked: PropertyMap): PropertyMap {
  const result = { ...values };
  if (kindOf(result) === "Secret") {
    for (const key of ["data", "stringData"]) if (result[key] !== undefined) result[key] = secret(result[key]);
    return result;
  }
  for (const [key, mark] of Object.entries(marked)) {
    const value = result[key];
    if (value !== undefined) result[key] = markValue(value, mark);
  }
  return result;
}

function markValue(value: Value, mark: Value): Value {
  if (isObject(value) && isObject(mark) && !isSecret(value) && !isSecret(mark)) return markSecrets(value, mark);
  return hasSecret(mark) ? secret(reveal(value)) : value;
}

/** The parts of `source` that have a counterpart in `shape`: a live object cut down to what the inputs speak of. */
export function prune(source: PropertyMap, shape: PropertyMap): PropertyMap {
  const result: PropertyMap = {};
  for (const [key, value] of Object.entries(source)) {
    const counterpart = shape[key];
    if (counterpart !== undefined) result[key] = pruneValue(value, counterpart);
  }
  return result;
}

function pruneValue(value: Value, shape: Value): Value {
  if (isObject(value) && isObject(shape)) return prune(value, shape);
  if (Array.isArray(value) && Array.isArray(shape)) return pruneList(value, shape);
  return value;
}

function pruneList(values: Value[], shapes: Value[]): Value[] {
  if (values.length === 0 || shapes.length === 0) return [];
  return values.slice(0, shapes.length).map((value, index) => pruneValue(value, shapes[index] ?? null));
}
