/**
 * What the real tls and random plugins have in common: they wrap Terraform providers, plan against the last outputs
 * instead of the last inputs, and write bookkeeping beside the outputs that lets them find Terraform's state again.
 * Source: pulumi-terraform-bridge, `rawstate.go` and `resource_state.go`; compared with a recorded state.
 */
import type { Diff } from "./diff.ts";
import type { CheckFailure } from "./provider.ts";
import { equal, isObject, isUnknown, type PropertyMap, reveal, revealAll, secret, type Value } from "./values.ts";

/** An attribute of a Terraform resource: a scalar, a list, a map, or a nested block of at most one object. */
interface Attribute {
  kind: "string" | "number" | "boolean" | "strings" | "map" | "block";
  /** Given by the program; the others are made by the provider. */
  input?: boolean;
  /** What stands for an input that the program doesn't give; without it the output has no such key. */
  default?: Value;
  /** A change of it is an update in place; of every other input a replacement. */
  updatable?: boolean;
  secret?: boolean;
  /** Of a block: its attributes. */
  attributes?: Attributes;
  /** Terraform's name, where it is not the Pulumi name in snake case. */
  terraformName?: string;
}

/** Attributes by their Pulumi names. */
export type Attributes = Record<string, Attribute>;

const TESTS: Record<Attribute["kind"], (value: Value) => boolean> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  strings: (value) => Array.isArray(value) && value.every((item) => typeof item === "string" || isUnknown(item)),
  map: isObject,
  block: isObject,
};

/** Failures for inputs that the stand-in doesn't have, and for those of a wrong kind. */
export function checkAttributes(inputs: PropertyMap, attributes: Attributes, parent = ""): CheckFailure[] {
  return Object.entries(inputs).flatMap(([name, wrapped]) => {
    const property = `${parent}${name}`;
    const attribute = attributes[name];
    const value = reveal(wrapped);
    if (attribute === undefined || (parent === "" && attribute.input !== true)) {
      return [{ property, reason: "the stand-in has no such input" }];
    }
    if (value === null || isUnknown(value)) return [];
    if (!TESTS[attribute.kind](value)) return [{ property, reason: `expected ${attribute.kind}` }];
    return attribute.kind === "block"
      ? checkAttributes(value as PropertyMap, attribute.attributes ?? {}, `${property}.`)
      : [];
  });
}

/** The inputs with secret envelopes around what is secret by nature, as Check stores them. */
export function markInputs(inputs: PropertyMap, attributes: Attributes): PropertyMap {
  return mark(inputs, attributes);
}

function mark(values: PropertyMap, attributes: Attributes): PropertyMap {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      attributes[name]?.secret === true ? secret(reveal(value)) : value,
    ]),
  );
}

/** The input attributes as they will be in the outputs: what the program gives, else the default. */
export function plannedInputs(inputs: PropertyMap, attributes: Attributes): PropertyMap {
  const planned: PropertyMap = {};
  const given = revealAll(inputs);
  for (const [name, attribute] of Object.entries(attributes)) {
    const value = attribute.input === true ? (given[name] ?? attribute.default) : undefined;
    if (value !== undefined && value !== null) planned[name] = value;
  }
  return planned;
}

/** Compares what is planned with the last outputs: a default that the program now spells out is no change. */
export function planDiff(oldOutputs: PropertyMap, planned: PropertyMap, attributes: Attributes): Diff {
  const olds = revealAll(oldOutputs);
  const changed = Object.keys(attributes).filter(
    (name) => attributes[name]?.input === true && !equal(olds[name], planned[name]),
  );
  return {
    keysOnly: true,
    changes: new Map(changed.map((name) => [name, attributes[name]?.updatable === true ? "update" : "update-replace"])),
  };
}

/** Outputs as they go to the state: secrets marked, Terraform's schema version and the way back to its state added. */
export function bridgedOutputs(values: PropertyMap, attributes: Attributes, schemaVersion: number): PropertyMap {
  return {
    ...mark(values, attributes),
    ...(schemaVersion > 0 && { __meta: JSON.stringify({ schema_version: String(schemaVersion) }) }),
    __pulumi_raw_state_delta: { obj: objectDelta(values, attributes) },
  };
}

/** How a property map differs from Terraform's object: what is null there, and what has another shape or name. */
function objectDelta(values: PropertyMap, attributes: Attributes): PropertyMap {
  const deltas: PropertyMap = {};
  const renamed: PropertyMap = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    const delta = valueDelta(values[name], attribute);
    if (delta !== undefined) deltas[name] = delta;
    if (attribute.terraformName !== undefined) renamed[name] = attribute.terraformName;
  }
  return {
    ...(Object.keys(deltas).length > 0 && { ps: deltas }),
    ...(Object.keys(renamed).length > 0 && { renamed }),
  };
}

/** The delta of one value; nothing for a scalar, whose form is the same on both sides. */
function valueDelta(value: Value | undefined, attribute: Attribute): Value | undefined {
  if (value === undefined) return secret({ replace: { raw: attribute.kind === "block" ? [] : null } });
  if (attribute.kind === "strings") return { arr: {} };
  if (attribute.kind === "map") return { map: {} };
  if (attribute.kind !== "block" || !isObject(value)) return undefined;
  return { plu: { i: { obj: objectDelta(value, attribute.attributes ?? {}) } } };
}
