/**
 * Recorded terminals: pictures in docs/terminals.md, which tests take anew and compare. `ONLOAD_KMM_RECORD=1` (`npm run
 * record`) writes them.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import type { Secret } from "../secrets/forms.ts";
import { Search } from "../secrets/search.ts";

const document = join(projectRoot, "docs", "terminals.md");

/** What may stand in a picture in the place of what is different each time. */
export interface Masks {
  /** The sandbox's state directory. */
  readonly dir: string;
  /** What must not be on any picture. */
  readonly secrets: readonly Secret[];
  /** Width of the terminal. */
  readonly columns: number;
}

/** What is different each time, and what stands for it. Lengths stay where columns are aligned by them. */
const different: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{64}\b/g, "0".repeat(64)],
  [/\b[0-9a-f]{12}\b/g, "0".repeat(12)],
  [/-[0-9a-f]{8}\.log/g, "-00000000.log"],
  [/(reports\/\w+)\/\S+\.html/g, "$1/2026-01-01.html"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z/g, "2026-01-01T00:00:00Z"],
  [/\b\d\d:\d\d\b/g, "00:00"],
  // The same where a column was too narrow for it.
  [/\b\d{4}-\d\d[-\dT:.]*…/g, "2026-01…"],
  [/\b(\d+m)?[\d.]+s\b/g, "0s"],
  [/\b\d+ (s|min) (left|waiting)/g, "0 $1 $2"],
  [/127\.0\.0\.1:\d+/g, "127.0.0.1:00000"],
  [/\*{4}\d+/g, "****0000"],
  [/\b[IWE]\d{4} \d\d:\d\d:\d\d\.\d+/g, "I0101 00:00:00.000000"],
  [/\b(failed|after) \d+ (times|s)\b/g, "$1 4 $2"],
  // Only where the real ones aren't installed.
  [/^Stand-ins for Pulumi's plugins:[^)]*\)\.\n/gm, ""],
  // A wait is told as often as it takes.
  [/(^ *00:00 waiting for .*\n)+/gm, "      […]\n"],
  // Dots for the time that it takes.
  [/(\(0s\))\.+/g, "$1"],
  [/^@ .*\n/gm, ""],
];

/** The engine's own lines on its plugins; the real ones say nothing. */
const onPlugins = /using pulumi-\S+ from \$PATH at|^ *pulumi-\S+: a stand-in for/;

/** The picture without what is different each time and without this machine's paths, as wide as it was. */
export function masked(picture: string, { dir, secrets, columns }: Masks): string {
  assert.deepEqual(new Search(secrets).inPicture(picture), [], "a secret is on the terminal");
  const text = picture.replaceAll(dir, ".sandbox").replaceAll(projectRoot, ".");
  const lines = different.reduce((all, [pattern, by]) => all.replaceAll(pattern, by), text).split("\n");
  const rows = lines
    .filter((line) => !onPlugins.test(line))
    .flatMap((line) => wrapped(line, columns))
    .map((row) => row.trimEnd());
  return rows.join("\n").replace(/^\n+/, "").trimEnd();
}

/** As a terminal breaks a line: wherever it is full. */
function wrapped(line: string, columns: number): string[] {
  const rows = [line.slice(0, columns)];
  for (let at = columns; at < line.length; at += columns) rows.push(line.slice(at, at + columns));
  return rows;
}

/**
 * Checks that the document shows this picture; on request it is put into the document.
 * @param name of the recording, as the document's comment has it
 * @param shape what of a picture must be the same each time; a recording without any of it is refused
 */
export function recorded(name: string, picture: string, masks: Masks, shape: Shape): void {
  const now = masked(picture, masks);
  const text = readFileSync(document, "utf8");
  const [before, shown, after] = partsOf(text, name);
  if (process.env["ONLOAD_KMM_RECORD"] === "1") {
    // At once: another test file may put its own picture into it.
    writeFileSync(document, `${before}\n\n\`\`\`text\n${now}\n\`\`\`\n\n${after}`);
    return;
  }
  const wanted = shape(shown);
  assert.ok(wanted.length > 0, `docs/terminals.md: the recording ${name} shows nothing that counts`);
  assert.deepEqual(shape(now), wanted, `docs/terminals.md: ${name} is stale; \`npm run record\` renews it:\n${now}`);
}

export type Shape = (picture: string) => readonly string[];

/** Text around a recording, and the recording itself. */
function partsOf(text: string, name: string): [string, string, string] {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  assert.ok(from !== -1 && to > from, `docs/terminals.md has no place for ${name}`);
  const block = text.slice(from + begin.length, to).trim();
  const shown = block.replace(/^```text\n/, "").replace(/\n```$/, "");
  return [text.slice(0, from + begin.length), shown, text.slice(to)];
}

/** Every line, blanks counted once: for what is told in one order only. */
export const everyLine: Shape = (picture) =>
  picture
    .split("\n")
    .map((line) => line.replaceAll(/\s+/g, " ").trim())
    .filter((line) => line !== "");

/** A resource's row: operation, type, name, and what else there is room for. */
const engineRow = /^ *[-+~*]* *[│├└─ ]*((?:pulumi|onload-kmm|command|kubernetes|tls|random):\S+) +(\S+)(?: +(.*))?$/;
/** Of a resource's message its beginning: how much there is room for depends on how long the others took. */
const toldOfMessage = 8;

/**
 * The engine's picture: resources run side by side, so that their rows, and what it says of each at the end, count without
 * their order.
 */
export const engineScreen: Shape = (picture) => {
  const rows: string[] = [];
  const others: string[] = [];
  for (const line of picture.split("\n")) {
    const [, type, name, rest] = engineRow.exec(line) ?? [];
    if (type === undefined || name === undefined || name.startsWith("(")) others.push(line);
    else {
      const [status = "", message = ""] = (rest ?? "").split(/ {2,}/);
      // The stack's own message may be on plugins, and the last of a step that is over depends on how quick it was.
      const isTold = type !== "pulumi:pulumi:Stack" && !/^(created|updated|replaced|deleted) /.test(status);
      const told = isTold ? message.slice(0, toldOfMessage) : "";
      rows.push(`${type} ${name} ${status} ${told}`.trim());
    }
  }
  const paragraphs = others
    .join("\n")
    .replace("Diagnostics:\n", "Diagnostics:\n\n")
    .split(/\n *\n/);
  return [...rows.sort(), ...paragraphs.map((paragraph) => everyLine(paragraph).join("\n")).sort()];
};
