import { stringify } from "yaml";
import { keys, type Key, type KeySchema } from "../../core/configuration/keys.ts";

/** Pulumi.yaml's `config:`: what each key is. The engine demands declared keys without default, so some are a comment. */
export function projectConfig(): string {
  const top = keys.filter(({ path }) => !/[.[]/.test(path));
  const declared = top.filter(isDeclared);
  const config = Object.fromEntries(
    declared.map((key) => [key.path, { default: key.default ?? empty(key), description: describe(key) }]),
  );
  const optional = top.filter((key) => !isDeclared(key));
  const width = Math.max(...optional.map(({ path }) => path.length));
  return [
    stringify({ config }, { lineWidth: 0 }).trimEnd(),
    "  # Optional keys can't be declared here, for the engine would demand them:",
    ...optional.map((key) => `  #   ${key.path.padEnd(width)}   ${describe(key)}`),
  ].join("\n");
}

const isDeclared = (key: Key): boolean => key.isRequired || key.default !== undefined;

/** Stands in for a required value, so that config.ts reports all that is missing and not the engine the first of it. */
const empty = ({ items }: KeySchema): unknown => (items === undefined ? {} : []);

function describe({ description = "", secret, properties, items }: Key): string {
  const shape = membersOf(items ?? { type: "object", ...(properties && { properties }) });
  const listed = shape === undefined ? "" : `: ${items === undefined ? shape : `[${shape}, …]`}`;
  return `${description}${secret === true ? "; secret" : ""}${listed}`;
}

/** `{source: generated | existing, subject, protect}`. */
function membersOf({ properties }: KeySchema): string | undefined {
  if (properties === undefined) return undefined;
  const members = Object.entries(properties).map(([name, { enum: choices }]) =>
    choices === undefined ? name : `${name}: ${choices.join(" | ")}`,
  );
  return `{${members.join(", ")}}`;
}
