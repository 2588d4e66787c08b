/** Writes the table of readers into docs/hostile-input.md: `node test/hostile/document.ts`. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format } from "prettier";
import { between } from "../../scripts/documents/between.ts";
import { readers } from "./readers.ts";

export const page = join(import.meta.dirname, "../../docs/hostile-input.md");

/** The page with the table as it has to be. */
export function withTable(text: string): Promise<string> {
  const rows = Object.entries(readers).map(([name, { files, from, promise, test, runs }]) =>
    ["", name, from, promise, files.map((file) => `\`${file}\``).join(" "), `\`${test}\``, runs, ""].join(" | ").trim(),
  );
  const head = ["| reader | input | beside what holds for all | files | test | inputs |", "| - | - | - | - | - | -: |"];
  const total = Object.values(readers).reduce((sum, { runs }) => sum + runs, 0);
  const table = [...head, ...rows, "", `Together ${total} inputs in each run of the tests.`].join("\n");
  return format(between(text, "readers", table), { parser: "markdown", printWidth: 120 });
}

if (process.argv[1] === import.meta.filename) await writeFile(page, await withTable(await readFile(page, "utf8")));
