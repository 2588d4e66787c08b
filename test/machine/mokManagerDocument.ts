/** The part of docs/mokmanager.md that is made of recorded screens. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { RecordedScreen } from "@onload-kmm/secure-boot/screens";

const file = path.join(import.meta.dirname, "../../docs/mokmanager.md");
const begin = "<!-- screens: made by test/machine/renderScreens.ts from a run of the tests; don't edit -->";
const end = "<!-- end of screens -->";

/** Markdown for the screens, in order: a heading per story, an act and a picture per screen. */
function render(screens: RecordedScreen[]): string {
  let story = "";
  const parts = screens.map((recorded) => {
    const heading = recorded.story === story ? "" : `### ${recorded.story}\n\n`;
    story = recorded.story;
    return `${heading}The driver: ${recorded.act}.\n\n\`\`\`text\n${recorded.screen}\n\`\`\`\n`;
  });
  return parts.join("\n");
}

async function split(): Promise<{ before: string; screens: string; after: string }> {
  const [before, rest] = (await readFile(file, "utf8")).split(`${begin}\n`);
  const [screens, after] = rest?.split(end) ?? [];
  if (before === undefined || screens === undefined || after === undefined) {
    throw new Error(`${file}: the comments around the screens are missing`);
  }
  return { before, screens, after };
}

/** In the order of interest: the normal ways first, then faults. */
const stories = [
  "Enrolment",
  "Deletion",
  "With another password than the request's",
  "After a power cut with MokManager open",
];

/** Puts the screens into the document. */
export async function writeScreens(screens: RecordedScreen[]): Promise<void> {
  const { before, after } = await split();
  const ordered = screens.toSorted((a, b) => stories.indexOf(a.story) - stories.indexOf(b.story));
  await writeFile(file, `${before}${begin}\n\n${render(ordered)}\n${end}${after}`);
}

/** The screens that the document shows. */
export async function documentedScreens(): Promise<RecordedScreen[]> {
  let story = "";
  const pattern = /^### (?<story>.+)$|^The driver: (?<act>.+)\.\n\n```text\n(?<screen>[^]*?)\n```$/gm;
  return [...(await split()).screens.matchAll(pattern)].flatMap(({ groups = {} }) => {
    if (groups["story"] !== undefined) story = groups["story"];
    const { act, screen } = groups;
    return act === undefined || screen === undefined ? [] : [{ story, act, screen }];
  });
}
