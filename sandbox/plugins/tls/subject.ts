/** A certificate's subject: from the input `subject` to a distinguished name. */
import type { JsonName } from "@peculiar/x509";
import type { Attributes } from "../core/bridged.ts";
import { isObject, type PropertyMap, textOf, type Value } from "../core/values.ts";

/** The inputs under `subject`. */
export const SUBJECT_ATTRIBUTES: Attributes = {
  commonName: { kind: "string" },
  country: { kind: "string" },
  emailAddress: { kind: "string" },
  locality: { kind: "string" },
  organization: { kind: "string" },
  organizationalUnit: { kind: "string" },
  postalCode: { kind: "string" },
  province: { kind: "string" },
  serialNumber: { kind: "string" },
  streetAddresses: { kind: "strings", terraformName: "street_address" },
};

/** Attribute types in the order in which Go writes them. */
const ORDER: [input: string, type: string][] = [
  ["country", "C"],
  ["organization", "O"],
  ["organizationalUnit", "OU"],
  ["locality", "L"],
  ["province", "ST"],
  ["streetAddresses", "2.5.4.9"],
  ["postalCode", "2.5.4.17"],
  ["commonName", "CN"],
  ["serialNumber", "2.5.4.5"],
  ["emailAddress", "E"],
];

/** The distinguished name; the library writes an e-mail address as an IA5 string, as its type demands. */
export function distinguishedName(subject: PropertyMap): JsonName {
  return ORDER.flatMap(([input, type]) => valuesOf(subject[input]).map((value) => ({ [type]: [value] })));
}

function valuesOf(value: Value | undefined): string[] {
  if (Array.isArray(value)) return value.map(textOf);
  return value === undefined || isObject(value) || textOf(value) === "" ? [] : [textOf(value)];
}
