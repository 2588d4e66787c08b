import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { keys } from "../../core/configuration/keys.ts";

const example = "Pulumi.prod.yaml";

/** Keys that the example doesn't show, one line each: they are neither set, nor in a comment. */
export async function missingInExample(root: string): Promise<string[]> {
  const text = await readFile(join(root, example), "utf8");
  const { config } = parse(text) as { config: Readonly<Record<string, unknown>> };
  const set = new Set(Object.entries(config).flatMap(([key, value]) => pathsIn(value, key)));
  return keys
    .map(({ path }) => path)
    .filter((path) => !set.has(`onload-kmm:${path}`) && !isInComment(text, path))
    .map((path) => `${example}: doesn't show ${path}`);
}

/** Paths of a value and of all within it, as `onload-kmm:nodes[].name`. */
function pathsIn(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((entry) => pathsIn(entry, `${path}[]`))];
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => pathsIn(member, `${path}.${key}`))];
}

/** As `name: …`, or in the command that sets it. */
const isInComment = (text: string, path: string): boolean => {
  const [name = path] = path.split(".").slice(-1);
  const ways = [`\\b${name}:`, `config set .*onload-kmm:${path.replaceAll(/[.[\]]/g, "\\$&")}\\b`];
  return new RegExp(`^ *#.*(${ways.join("|")})`, "m").test(text);
};
