import { z } from "zod";
import { schema } from "./settings.ts";

/** What zod tells of a key: JSON Schema with the marks of settings.ts. */
export interface KeySchema {
  readonly type: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  /** An object's members, and which of them must be there. */
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly required?: readonly string[];
  /** A list's entries. */
  readonly items?: KeySchema;
  /** The page that says more. */
  readonly see?: string;
  /** Whether it must not be set in plain text. */
  readonly secret?: boolean;
}

/** A key of the configuration, or a member of one. */
export interface Key extends KeySchema {
  /** `release.version`; of a list's entries `nodes[].name`. */
  readonly path: string;
  /** Whether what it is a member of must have it. */
  readonly isRequired: boolean;
}

/** The whole configuration, as people write it. */
export const configuration = z.toJSONSchema(schema, { io: "input", target: "draft-7" }) as unknown as KeySchema;

/** Every key in the schema's order, each before its members. */
export const keys: readonly Key[] = membersOf(configuration, "");

/** The members of an object, or of a list's entries, each with its own members after it. */
function membersOf({ properties, required = [], items }: KeySchema, path: string): Key[] {
  if (items !== undefined) return membersOf(items, `${path}[]`);
  const prefix = path === "" ? "" : `${path}.`;
  return Object.entries(properties ?? {}).flatMap(([name, member]) => {
    const key = { ...member, path: prefix + name, isRequired: required.includes(name) };
    return [key, ...membersOf(member, key.path)];
  });
}
