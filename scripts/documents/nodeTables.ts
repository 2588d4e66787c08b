/** The tables of docs/nodes.md: a node's resources, and its phases, from the lists that the program goes by. */
import { nodeParts } from "../../core/node/parts.ts";
import { leavePhases, rollPhases, type PhaseAccount } from "../../core/node/phases.ts";
import { between } from "./between.ts";

/** A table in Markdown. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
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

/** By the name in the comments around each table. */
const tables: Readonly<Record<string, string>> = {
  resources: table(
    ["resource", "what it does", "outage"],
    nodeParts.map(({ name, does, outage }) => [`\`<node>-${name}\``, does, outage]),
  ),
  "roll-out": phaseTable(rollPhases),
  leaving: phaseTable(leavePhases),
};

/** docs/nodes.md with its tables. */
export const withNodeTables = (text: string): string =>
  Object.entries(tables).reduce((page, [name, rows]) => between(page, name, `\n${rows}\n`), text);
