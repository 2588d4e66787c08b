/** Keeps the screens that a run of the tests has seen, for docs/mokmanager.md. */
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";

const recordings = path.join(import.meta.dirname, "../.test-results/machine-screens");

/** One screen of one run. */
export interface RecordedScreen {
  /** Which run it belongs to: a heading of the document. */
  story: string;
  /** What the driver did on it. */
  act: string;
  screen: string;
}

/** Replaces what differs from run to run: the test's own certificate, and the seconds of the countdown. */
export function withoutVarying(screen: string): string {
  const zeros = (digits: string): string => digits.replace(/[0-9A-F]/g, "0");
  return screen
    .replace(/(?:[0-9A-F]{2}:){8,20}/g, zeros)
    .replace(/(?:[0-9A-F]{2} ){10}/g, zeros)
    .replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT/g, "Jan  1 00:00:00 2026 GMT")
    .replace(/Booting in \d+ seconds? */, (text) => "Booting in 9 seconds".padEnd(text.length));
}

/** True for a border that belongs to no box: MokManager paints the next box over the last without clearing it. */
function isLeftover(line: string, index: number, lines: string[]): boolean {
  const border = /^│ *([┌└])─+[┐┘] *│$/.exec(line)?.[1];
  if (border === undefined) return false;
  const neighbour = lines[border === "┌" ? index + 1 : index - 1] ?? "";
  return !/[│►]/.test(neighbour.slice(1, -1));
}

/**
 * The screen without the empty lines that fill it, and without leftovers: what is then the same in a text mode of any
 * height. A client that connects late sees a menu without shim's frame around it.
 */
export function compact(screen: string): string {
  const lines = screen.split("\n");
  const top = lines.findIndex((line) => /^┌─{58,}┐/.test(line));
  const width = /^┌─+┐/.exec(lines[top] ?? "")?.[0].length;
  return lines
    .slice(Math.max(top, 0))
    .map((line) => line.slice(0, width))
    .filter((line) => !/^(?:│ *│| *)$/.test(line))
    .filter((line, index, all) => !isLeftover(line, index, all))
    .join("\n");
}

/** Do two pictures differ in nothing but the highlighted entry? */
const isSameMenu = (a: string, b: string): boolean => a.replace("►", "│") === b.replace("►", "│");

/** Collects one machine's screens; `save` writes them to .test-results/, from where `renderScreens.ts` makes the document. */
export class ScreenRecorder {
  readonly screens: RecordedScreen[] = [];

  /** For one run of the driver: its `recordScreen`. */
  story(name: string): (act: string, screen: string) => void {
    return (act, screen) => {
      const recorded = { story: name, act, screen: compact(withoutVarying(screen)) };
      const last = this.screens.at(-1);
      // Arrow by arrow through the same menu: the last picture, with the right entry highlighted, is enough.
      if (last?.story === name && last.act === act && isSameMenu(last.screen, recorded.screen)) this.screens.pop();
      this.screens.push(recorded);
    };
  }

  /** Writes what was collected, under the name of the file of tests. */
  async save(name: string): Promise<void> {
    await mkdir(recordings, { recursive: true });
    await writeFile(path.join(recordings, `${name}.json`), JSON.stringify(this.screens, undefined, 2));
  }
}

/** The screens of the last run, of all machines. */
export async function recordedScreens(): Promise<RecordedScreen[]> {
  const files = (await readdir(recordings)).map((name) => readFile(path.join(recordings, name), "utf8"));
  return (await Promise.all(files)).flatMap((text) => JSON.parse(text) as RecordedScreen[]);
}
