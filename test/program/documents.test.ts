/** What the documents list, held to what there is: the configuration's table, the dependencies' reasons. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseSettings } from "../../core/configuration/parseSettings.ts";
import { schema } from "../../core/configuration/settings.ts";
import { asPulumi, least } from "../core/configuration/settings.ts";

const textOf = (file: string): Promise<string> => readFile(join(import.meta.dirname, "../..", file), "utf8");
const readme = await textOf("README.md");

/** A row of the table: the keys in its first cell, and what its last one says. */
const rows = readme
  .slice(readme.indexOf("| key `onload-kmm:…`"))
  .split("\n")
  .slice(2)
  .filter((line) => line.startsWith("|"))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .map(([, keys = "", , fallback = ""]) => ({
    keys: [...keys.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key),
    fallback,
  }));

/** The schema's leaves as the table writes them: `a.b`, and `list[].b` for a list's members. */
function leaves(type: unknown, path: string): string[] {
  const { shape, def } = type as { shape?: object; def?: { innerType?: unknown; element?: unknown } };
  if (shape !== undefined) {
    return Object.entries(shape).flatMap(([key, member]) => leaves(member, path === "" ? key : `${path}.${key}`));
  }
  if (def?.element !== undefined) return leaves(def.element, `${path}[]`);
  return def?.innerType === undefined ? [path] : leaves(def.innerType, path);
}

test("the table has every key of the schema, each once, and no other", () => {
  assert.deepEqual(rows.flatMap(({ keys }) => keys).sort(), leaves(schema, "").sort());
});

test("the defaults in the table are those of the program", () => {
  const { settings } = parseSettings(asPulumi(least), () => false);
  for (const { keys, fallback } of rows) {
    for (const key of keys) {
      // What the least configuration gives itself is no default; of the two ways to log in one must be chosen.
      if (at(least, key) !== undefined || key === "ssh.privateKeyFile") continue;
      assert.equal(fallback.replaceAll("`", ""), String(at(settings, key) ?? ""), key);
    }
  }
});

/** The value under a key of the table; of a list, its first entry's. */
const at = (value: unknown, key: string) =>
  key
    .replaceAll("[]", ".0")
    .split(".")
    .reduce<unknown>((inside, step) => (inside as Record<string, unknown> | undefined)?.[step], value) as
    string | number | boolean | undefined;

test("each dependency has its reason", async () => {
  const reasons = await textOf("docs/dependencies.md");
  const packages = (await Promise.all(["package.json", "sandbox/package.json"].map(textOf))).flatMap((text) => {
    const { dependencies, devDependencies } = JSON.parse(text) as Record<string, Record<string, string>>;
    return Object.keys({ ...dependencies, ...devDependencies });
  });
  // Types come with what they are of.
  const missing = packages.filter((name) => !name.startsWith("@types/") && !reasons.includes(`\`${name}\``));
  assert.deepEqual([...new Set(missing)], []);
});
