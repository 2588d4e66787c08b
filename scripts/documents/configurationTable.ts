import { keys, type Key } from "../../core/configuration/keys.ts";

/** The README's table: what each key means, and what it is when left out. */
export function configurationTable(): string {
  const rows = keys
    .filter(({ properties, items }) => properties === undefined && items === undefined)
    .map((key) => [code(key.path), meaning(key), fallback(key)]);
  return [["key `onload-kmm:…`", "meaning", "default"], ["---", "---", "---"], ...rows].map(row).join("\n");
}

/** A vertical bar ends a cell, in code, too. */
const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

const code = (value: string): string => `\`${value}\``;

function meaning({ description = "", see, secret }: Key): string {
  const more = see === undefined ? "" : ` ([more](${see}))`;
  return `${description}${secret === true ? "; secret" : ""}${more}`;
}

/** The default, or in what the key is required; nothing for what may be absent. */
function fallback({ path, isRequired, default: value }: Key): string {
  if (value !== undefined) return typeof value === "string" ? code(value) : JSON.stringify(value);
  if (!isRequired) return "";
  const optional = parentsOf(path).find((parent) => !parent.isRequired);
  return optional === undefined ? "required" : `required in ${code(optional.path)}`;
}

/** What a key is a member of, the innermost first: `a.b` and `a` for `a.b[].c`. */
const parentsOf = (path: string): Key[] =>
  keys.filter((key) => path.startsWith(`${key.path}.`) || path.startsWith(`${key.path}[]`)).toReversed();
