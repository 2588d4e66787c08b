import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { errors, told } from "../../core/errors.ts";

const root = join(import.meta.dirname, "../..");
const ids = Object.keys(errors);

/** Where the product names errors: the catalogue itself aside. */
const sources = ["*.ts", "main.js", "{components,core,scripts,steps}/**/*.ts"];

async function namedInProduct(): Promise<string[]> {
  const files = globSync(sources, { cwd: root }).filter((file) => file !== "core/errors.ts");
  const texts = await Promise.all(files.map((file) => readFile(join(root, file), "utf8")));
  return [...new Set(texts.flatMap((text) => text.match(/\bOKMM-[A-Z]+-[A-Z]+\b|\bOKMM-UNEXPECTED\b/g) ?? []))];
}

test("every error of the catalogue is one that the product has, and the other way round", async () => {
  assert.deepEqual((await namedInProduct()).sort(), ids.toSorted());
});

test("an id is the project's mark, and one or two words that can be said", () => {
  for (const id of ids) assert.match(id, /^OKMM(-[A-Z]{2,12}){1,2}$/);
});

test("an id stands at the end of what a person reads, where it pushes nothing out of sight", () => {
  assert.equal(told("OKMM-DRAIN-STUCK", "worker-1: do this"), "worker-1: do this [OKMM-DRAIN-STUCK]");
});

const paragraphs = (await readFile(join(root, "docs/runbook.md"), "utf8"))
  .split(/^#{2,3} /m)
  .filter((paragraph) => paragraph.startsWith("OKMM-"))
  .map((paragraph) => paragraph.trimEnd().split("\n"));

test("the runbook has a paragraph for each error, and for nothing else", () => {
  assert.deepEqual(paragraphs.map(([id]) => id).sort(), ids.toSorted());
});

for (const [id = "", , title, , ...parts] of paragraphs) {
  test(`the runbook says of ${id} what one sees, what it means, and what to do`, () => {
    assert.equal(title, errors[id as keyof typeof errors]);
    const heads = parts.flatMap((line) => /^- \*\*(.+)\*\*: \S/.exec(line)?.[1] ?? []);
    assert.deepEqual(heads, ["You see", "It means", "Do"]);
  });
}

test("a link from one paragraph to another leads somewhere", () => {
  const links = paragraphs.flat().flatMap((line) => [...line.matchAll(/\]\(#([a-z-]+)\)/g)].map(([, to = ""]) => to));
  assert.ok(links.length > 0);
  assert.deepEqual(
    links.filter((to) => !ids.includes(to.toUpperCase())),
    [],
  );
});
