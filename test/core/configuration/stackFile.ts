/** Configurations as a `Pulumi.<stack>.yaml` holds them, held to the JSON Schema that editors use. */
import { Ajv, type ErrorObject } from "ajv";
import { keys } from "../../../core/configuration/keys.ts";
import { stackSchema } from "../../../scripts/documents/stackSchema.ts";

// A condition names keys that are defined beside it.
const validate = new Ajv({ allErrors: true, strict: true, strictRequired: false }).compile(stackSchema());

/** The keys of a whole stack file that its schema refuses, without the project's prefix; each once, sorted. */
export function refusedInFile(file: object): string[] {
  if (validate(file)) return [];
  // That a condition isn't met says nothing beside what it demands.
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== "if");
  const found = errors.map((error) => pathOf(error).replace(/^\/config\/(onload-kmm:)?([^/]*).*$/, "$2"));
  return [...new Set(found)].sort();
}

/** The keys of a configuration that the schema refuses; secrets are as `pulumi config set --secret` writes them. */
export function refusedKeys(config: object, secrets: readonly string[] = []): string[] {
  const entries = Object.entries(config).map(([key, value]) => [
    key.includes(":") ? key : `onload-kmm:${key}`,
    secrets.includes(key) ? secured(key, value) : (value as unknown),
  ]);
  return refusedInFile({ config: Object.fromEntries(entries) as object });
}

function pathOf({ instancePath, params }: ErrorObject): string {
  const { additionalProperty, missingProperty } = params as Record<string, string | undefined>;
  return `${instancePath}/${additionalProperty ?? missingProperty ?? ""}`;
}

/** The whole value, or those members that must be secret. */
function secured(key: string, value: unknown): unknown {
  const members = keys.filter(({ path, secret }) => secret === true && path.startsWith(`${key}.`));
  if (members.length === 0) return { secure: "v1:…" };
  const secret = members.map(({ path }) => [path.slice(key.length + 1), { secure: "v1:…" }]);
  return { ...(value as object), ...(Object.fromEntries(secret) as object) };
}
