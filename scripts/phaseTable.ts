/**
 * Writes the tables of docs/nodes.md that tell of a node's resources and phases, from the lists that the program goes by. With
 * `--check` it only says whether they are as they should be.
 */
import { readFile, writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import { nodeParts } from "../core/node/parts.ts";
import { leavePhases, rollPhases, type PhaseAccount } from "../core/node/phases.ts";

const file = "docs/nodes.md";

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "-"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const phaseTable = (phases: readonly PhaseAccount[]): string =>
  table(
    ["phase", "what it does", "when", "noted", "where it was cut, the next run"],
    phases.map(({ name, title, when, noted, rerun }) => [
      name,
      title,
      when,
      noted === undefined ? "" : `\`${noted}\``,
      rerun,
    ]),
  );

/** By the name in the comment before each table. */
const tables: Readonly<Record<string, string>> = {
  resources: table(
    ["resource", "what it does", "outage"],
    nodeParts.map(({ name, does, outage }) => [`\`<node>-${name}\``, does, outage]),
  ),
  "roll-out": phaseTable(rollPhases),
  leaving: phaseTable(leavePhases),
};

const found = await readFile(file, "utf8");
const made = Object.entries(tables).reduce((text, [name, rows]) => {
  const begin = `<!-- ${name}: made by scripts/phaseTable.ts -->\n`;
  const [before, after] = text.split(begin);
  if (before === undefined || after === undefined) throw new Error(`${file}: found no ${begin.trim()}`);
  return `${before}${begin}\n${rows}\n\n${after.replace(/^\n*(?:\|.*\n)*\n*/, "")}`;
}, found);
const wanted = await format(made, { ...(await resolveConfig(file)), filepath: file });

if (wanted !== found && process.argv.includes("--check")) {
  console.error(`${file}: a table is stale; run \`node_modules/.bin/node scripts/phaseTable.ts\``);
  process.exitCode = 1;
} else if (wanted !== found) {
  await writeFile(file, wanted);
}
