import { configuration, type KeySchema } from "../../core/configuration/keys.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

const project = "onload-kmm";

/** JSON Schema of a `Pulumi.<stack>.yaml`, with which editors complete and check it. */
export function stackSchema(): JsonSchema {
  const { properties = {}, required = [] } = configuration;
  const members = Object.entries(properties).map(([name, key]) => [`${project}:${name}`, topLevel(key)]);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: `Pulumi.<stack>.yaml of ${project}`,
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(members) as JsonSchema,
        // Other providers' keys are their own; ours are the ones above.
        patternProperties: { [`^(?!${project}:)`]: true },
        additionalProperties: false,
        required: required.filter((name) => name !== "nodes").map((name) => `${project}:${name}`),
        // The program fills in the list that the file has.
        if: { required: [`${project}:nodesFile`] },
        else: { required: [`${project}:nodes`] },
      },
      encryptionsalt: { type: "string", description: "Salt of the stack's passphrase; set by Pulumi" },
      encryptedkey: { type: "string", description: "Key of the stack's secrets, encrypted; set by Pulumi" },
      secretsprovider: { type: "string", description: "What encrypts the stack's secrets" },
      environment: { description: "Pulumi ESC environments" },
    },
    required: ["config"],
    additionalProperties: false,
    definitions: {
      secure: {
        description: "Set by `pulumi config set --secret`",
        type: "object",
        properties: { secure: { type: "string" } },
        required: ["secure"],
        additionalProperties: false,
      },
    },
  };
}

const secure = { $ref: "#/definitions/secure" };

/** Pulumi keeps a top-level value as text: `pulumi config set` writes numbers in quotes, and objects as JSON. */
function topLevel(key: KeySchema): JsonSchema {
  if (key.secret === true) return either(key, [secure]);
  if (key.type === "string") return either(key, [rulesOf(key), secure]);
  // A secret in such a text would be in plain sight.
  if (Object.values(key.properties ?? {}).some(({ secret }) => secret)) return either(key, [rulesOf(key), secure]);
  const asText = key.type === "integer" ? "^(0|[1-9][0-9]*)$" : "^\\s*[[{]";
  return either(key, [rulesOf(key), { type: "string", pattern: asText }, secure]);
}

/** A member at any depth: its text may be a secret. */
function member(key: KeySchema): JsonSchema {
  if (key.secret === true) return either(key, [secure]);
  return key.type === "string" ? either(key, [rulesOf(key), secure]) : { ...about(key), ...rulesOf(key) };
}

/** What editors show beside a key, and one of several values for it. */
const either = (key: KeySchema, anyOf: readonly JsonSchema[]): JsonSchema =>
  anyOf.length === 1 ? { ...about(key), allOf: anyOf } : { ...about(key), anyOf };

function about({ description = "", default: fallback, examples, see }: KeySchema): JsonSchema {
  return {
    description: see === undefined ? description : `${description} (${see})`,
    ...(fallback !== undefined && { default: fallback }),
    ...(examples !== undefined && { examples }),
  };
}

/** Keywords that are told beside a value, or are marks of settings.ts. */
const told = ["description", "default", "examples", "see", "secret"];

/** What a value must be: the key's schema without what is told of it. */
function rulesOf(key: KeySchema): JsonSchema {
  const { properties, items } = key;
  const rules = Object.entries(key).filter(([name]) => !told.includes(name));
  const members = Object.entries(properties ?? {}).map(([name, each]) => [name, member(each)] as const);
  return {
    ...Object.fromEntries(rules),
    ...(properties !== undefined && { properties: Object.fromEntries(members) }),
    ...(items !== undefined && { items: rulesOf(items) }),
  };
}
