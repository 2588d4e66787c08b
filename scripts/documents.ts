/**
 * `npm run documents [-- --check]`: writes the parts of documents that are made from the program, so that nothing is said
 * twice. With --check, which `npm run check` runs, nothing is written: what is stale is told, and what else is wrong
 * with the documents.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { z } from "zod";
import { statusReport } from "../core/node/statusTable.ts";
import { between } from "./documents/between.ts";
import { configurationTable } from "./documents/configurationTable.ts";
import { missingReasons } from "./documents/dependencyReasons.ts";
import { missingInExample } from "./documents/example.ts";
import { brokenLinks } from "./documents/links.ts";
import { withNodeTables } from "./documents/nodeTables.ts";
import { projectConfig } from "./documents/projectFile.ts";
import { rbacExample } from "./documents/rbacExample.ts";
import { withStates } from "./documents/stateDiagram.ts";
import { stackSchema } from "./documents/stackSchema.ts";

interface Document {
  /** Its path from the project's root. */
  readonly file: string;
  /** The file's text as it must be, from what it is now; Prettier does the rest. */
  readonly render: (text: string) => string;
}

const documents: readonly Document[] = [
  { file: "README.md", render: (text) => between(text, "configuration", `\n${configurationTable()}\n`) },
  { file: "Pulumi.yaml", render: (text) => between(text, "configuration", projectConfig()) },
  { file: "docs/nodes.md", render: withNodeTables },
  { file: "docs/states.md", render: withStates },
  { file: "deploy/rbac.yaml", render: rbacExample },
  { file: "docs/Pulumi.stack.schema.json", render: () => JSON.stringify(stackSchema()) },
  { file: "docs/status.schema.json", render: () => JSON.stringify(z.toJSONSchema(statusReport)) },
];

/** What no generator can make right. */
const checks: readonly ((root: string) => Promise<string[]>)[] = [missingReasons, missingInExample, brokenLinks];

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const problems = await Promise.all([
  ...documents.map((document) => (values.check ? staleness(document) : renew(document))),
  ...(values.check ? checks.map((check) => check(root)) : []),
]);
for (const problem of problems.flat()) process.stderr.write(`${problem}\n`);
if (problems.flat().length > 0) process.exitCode = 1;

async function staleness(document: Document): Promise<string[]> {
  const { now, wanted } = await read(document);
  return now === wanted ? [] : [`${document.file}: is stale; \`npm run documents\` renews it`];
}

async function renew(document: Document): Promise<string[]> {
  const { path, now, wanted } = await read(document);
  if (now !== wanted) await writeFile(path, wanted);
  return [];
}

async function read({ file, render }: Document): Promise<{ path: string; now: string; wanted: string }> {
  const path = join(root, file);
  const now = await readFile(path, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  });
  const wanted = await format(render(now), { ...(await resolveConfig(path)), filepath: path });
  return { path, now, wanted };
}
