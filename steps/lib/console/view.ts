/** What is on the screen, in MokManager's own terms. Nothing here decides anything. */
import type { Row, Screen } from "./terminal.ts";

/** A screen as the driver sees it. `lines` are the texts inside shim's frame, from top to bottom, without blank ones. */
export type View =
  /** No frame of shim's: firmware, boot loader or operating system. */
  | { kind: "other" }
  /** `Press any key to perform MOK management`, with or without seconds that run down. */
  | { kind: "countdown"; lines: string[] }
  /** A list of which one entry is highlighted. */
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
  background: number;
}

/** The outer frame is as wide as the text mode; boxes inside it are far narrower. */
function findFrame(screen: Screen): Frame | undefined {
  for (const [top, row] of screen.entries()) {
    const border = /┌─{58,}┐/.exec(row.text);
    if (!border) continue;
    return {
      top,
      left: border.index,
      right: border.index + border[0].length - 1,
      background: row.backgrounds[border.index] ?? -1,
    };
  }
  return undefined;
}

interface Highlight {
  row: number;
  from: number;
  to: number;
}

function highlightOf(row: Row, frame: Frame): { from: number; to: number } | undefined {
  const columns = row.backgrounds.flatMap((background, x) =>
    x > frame.left && x < frame.right && background !== frame.background ? [x] : [],
  );
  const [from] = columns;
  const to = columns.at(-1);
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** The one highlighted row inside the frame; none if there are several, which happens while a menu is painted. */
function findHighlight(screen: Screen, frame: Frame): Highlight | undefined {
  const found: Highlight[] = [];
  for (let row = frame.top + 1; row < screen.length; row += 1) {
    const line = screen[row];
    if (line?.text[frame.left] !== "│") break;
    const highlight = highlightOf(line, frame);
    if (highlight) found.push({ row, ...highlight });
  }
  return found.length === 1 ? found[0] : undefined;
}

/** The entries of the box around the highlight; none unless the whole box is there. */
function menuItems(screen: Screen, { row, from, to }: Highlight): { items: string[]; selected: number } | undefined {
  const character = (y: number, x: number): string => screen[y]?.text[x] ?? " ";
  const inside = (y: number): boolean => character(y, from) === "│" && character(y, to) === "│";
  let top = row;
  let bottom = row;
  while (inside(top - 1)) top -= 1;
  while (inside(bottom + 1)) bottom += 1;
  if (!inside(row) || character(top - 1, from) !== "┌" || character(bottom + 1, from) !== "└") return undefined;
  const items: string[] = [];
  for (let y = top; y <= bottom; y += 1) items.push(screen[y]?.text.slice(from + 1, to).trim() ?? "");
  return { items, selected: row - top };
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
    .replaceAll(" ", "");
  return /^[0-9A-F]{40}$/.test(digits) ? digits : undefined;
}

/** Reads a screen. */
export function viewOf(screen: Screen): View {
  const frame = findFrame(screen);
  if (!frame) return { kind: "other" };
  const lines = linesInside(screen, frame);
  const highlight = findHighlight(screen, frame);
  const menu = highlight && menuItems(screen, highlight);
  if (menu) return { kind: "menu", title: lines[0] ?? "", lines, ...menu };
  if (highlight) return { kind: "unreadable", lines };
  const fingerprint = fingerprintIn(lines);
  if (fingerprint !== undefined) return { kind: "certificate", fingerprint, lines };
  if (lines.includes("Password:")) return { kind: "password", lines };
  if (lines.includes("Press any key to perform MOK management")) return { kind: "countdown", lines };
  return { kind: "unreadable", lines };
}
