/** What is on the screen, in MokManager's own terms. Nothing here decides anything. */
import type { Row, Screen } from "./terminal.ts";

/** A screen as the driver sees it. `lines` are the texts inside shim's frame, from top to bottom, without blank ones. */
export type View =
  /** No frame of shim's: firmware, boot loader or operating system. */
  | { kind: "other" }
  /** `Press any key to perform MOK management`, with or without seconds that run down. */
  | { kind: "countdown"; lines: string[] }
  /** A list of which one entry is highlighted. Without shim's frame around it the title is empty. */
  | { kind: "menu"; title: string; lines: string[]; items: string[]; selected: number }
  /** An empty `Password:` box. */
  | { kind: "password"; lines: string[] }
  /** One key's certificate; `fingerprint` is the SHA-1 of its DER in capital hex digits. */
  | { kind: "certificate"; fingerprint: string; lines: string[] }
  /** shim's frame around something else, or a picture that is still being painted. */
  | { kind: "unreadable"; lines: string[] };

interface Frame {
  top: number;
  left: number;
  right: number;
}

/** The outer frame is as wide as the text mode; boxes inside it are far narrower. */
function findFrame(screen: Screen): Frame | undefined {
  for (const [top, row] of screen.entries()) {
    const border = /┌─{58,}┐/.exec(row.text);
    if (!border) continue;
    return { top, left: border.index, right: border.index + border[0].length - 1 };
  }
  return undefined;
}

interface Menu {
  items: string[];
  selected: number;
  /** Where the highlighted entry's row begins. */
  at: { row: number; column: number };
}

/**
 * The menu whose box begins with the border at `top`, columns `from` to `to`: every row of the box, of which exactly one
 * has another background than the border. Anything else is no menu, or one that is still being painted.
 */
function menuBelow(screen: Screen, top: number, { from, to }: { from: number; to: number }): Menu | undefined {
  const edges = (row: Row | undefined): string => `${row?.text[from] ?? ""}${row?.text[to] ?? ""}`;
  const below = screen.slice(top + 1);
  const end = below.findIndex((row) => edges(row) !== "││");
  if (edges(below[end]) !== "└┘") return undefined;
  const normal = screen[top]?.backgrounds[from];
  const rows = below.slice(0, end);
  const selected = rows.flatMap((row, index) => (row.backgrounds[from] === normal ? [] : [index]));
  const [only] = selected;
  if (only === undefined || selected.length > 1) return undefined;
  const items = rows.map((row) => row.text.slice(from + 1, to).trim());
  return { items, selected: only, at: { row: top + 1 + only, column: from } };
}

function findMenu(screen: Screen): Menu | undefined {
  for (const [top, row] of screen.entries()) {
    for (const border of row.text.matchAll(/┌─+┐/g)) {
      const menu = menuBelow(screen, top, { from: border.index, to: border.index + border[0].length - 1 });
      if (menu) return menu;
    }
  }
  return undefined;
}

function linesInside(screen: Screen, frame: Frame): string[] {
  return screen
    .slice(frame.top + 1)
    .map((row) =>
      row.text
        .slice(frame.left + 1, frame.right)
        .replace(/[┌┐└┘│─]/g, " ")
        .trim(),
    )
    .filter((line) => line !== "");
}

function fingerprintIn(lines: string[]): string | undefined {
  const heading = lines.indexOf("[Fingerprint]");
  if (heading < 0 || !lines.includes("[Subject]")) return undefined;
  const digits = lines
    .slice(heading + 1, heading + 3)
    .join("")
    .replaceAll(" ", "")
    .toUpperCase();
  return /^[0-9A-F]{40}$/.test(digits) ? digits : undefined;
}

/** Reads a screen. */
export function viewOf(screen: Screen): View {
  const frame = findFrame(screen);
  const menu = findMenu(screen);
  const lines = frame ? linesInside(screen, frame) : [];
  if (menu) return { kind: "menu", title: lines[0] ?? "", lines, items: menu.items, selected: menu.selected };
  if (!frame) return { kind: "other" };
  const fingerprint = fingerprintIn(lines);
  if (fingerprint !== undefined) return { kind: "certificate", fingerprint, lines };
  if (lines.includes("Password:")) return { kind: "password", lines };
  if (lines.includes("Press any key to perform MOK management")) return { kind: "countdown", lines };
  return { kind: "unreadable", lines };
}

/** The screen as text without empty lines at its end; the highlighted entry of a menu is marked with `►`. */
export function screenText(screen: Screen): string {
  const at = findMenu(screen)?.at;
  const lines = screen.map(({ text }, row) =>
    row === at?.row ? `${text.slice(0, at.column)}►${text.slice(at.column + 1)}` : text,
  );
  return lines.join("\n").trimEnd();
}
