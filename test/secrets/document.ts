/** The tables of docs/secrets.md, which tests compare with what they find. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import type { Found } from "./search.ts";
import type { StateSecret } from "./state.ts";

/** When a stack's state has a secret: the first column of the table. */
export type When =
  "always" | "MOK password given" | "MOK password generated" | "mode redfish" | "strategy entitled-ubi" | "registry";

/** Cells of the rows of the table after this heading, without backticks. */
function tableAfter(heading: string): string[][] {
  const text = readFileSync(join(projectRoot, "docs", "secrets.md"), "utf8");
  const from = text.indexOf(`\n## ${heading}\n`);
  assert.ok(from !== -1, `docs/secrets.md has no section "${heading}"`);
  const rows = text
    .slice(from + 4)
    .split("\n## ")[0]
    ?.split("\n")
    .filter((line) => line.startsWith("|"));
  return (rows ?? []).slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.replaceAll("`", "").trim()),
  );
}

/** State holds exactly the secrets that the document has for such a stack. */
export function assertStateSecrets(found: readonly StateSecret[], whens: readonly When[]): void {
  const rows = tableAfter("What state holds").filter(([when = ""]) => (whens as readonly string[]).includes(when));
  assert.ok(rows.length > 0 && rows.every((row) => row.every((cell) => cell !== "")), "each row has its reason");
  const documented = rows.map(([, resource = "", property = ""]) => `${resource} ${property}`);
  const names = found.map(({ resource, property }) => `${resource.replace(/^worker-\d+/, "NODE")} ${property}`);
  assert.deepEqual([...new Set(names)].sort(), documented.sort(), "docs/secrets.md, What state holds");
}

/** Where the engine writes what it was told, when it is asked to: the columns of the table. */
export type DebugLog = "--debug" | "--event-log";

/**
 * A log that was asked for holds no secret that the document doesn't warn of. One that it warns of may be missing: what the
 * engine writes depends on what it had to do.
 */
export function assertInDebugLog(log: DebugLog, found: readonly Found[]): void {
  const column = ["--debug", "--event-log"].indexOf(log) + 1;
  const rows = tableAfter("What debug logs hold");
  const warned = rows.filter((row) => row[column] === "may").map(([secret = ""]) => secret);
  const names = found.map(({ secret }) => secret);
  const where = `docs/secrets.md, What debug logs hold, ${log}`;
  assert.ok(names.includes("signing key"), "the search sees what is in any case there");
  assert.deepEqual(
    [...new Set(names)].filter((name) => !warned.includes(name)),
    [],
    where,
  );
}
