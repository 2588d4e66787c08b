import { realTiming } from "./timing.ts";

/** Size of the firmware's text mode on a serial line. */
const SIZE = { columns: 80, rows: 25 };
/** The last row can't be used without scrolling. */
const USABLE_ROWS = SIZE.rows - 1;

/** Light grey on blue, and on black for the selected row: EDK II's terminal driver sets both colours each time. */
const BLUE = "\u001b[0m\u001b[37m\u001b[44m";
const BLACK = "\u001b[0m\u001b[37m\u001b[40m";
const LINES = { topLeft: "┌", topRight: "┐", bottomLeft: "└", bottomRight: "┘", across: "─", down: "│" };

/** A box in shim's coordinates. */
export interface Box {
  lines: string[];
  /** Index of the line that is drawn as selected. */
  selected?: number;
  column: number;
  row: number;
  columns: number;
  rows: number;
  /** Where the text starts: this many rows below the frame; 0 puts it in the middle. */
  offset: number;
}

/** Draws as MokManager does over EDK II's terminal driver: row by row, each with its own cursor position. */
export class Screen {
  readonly #write: (text: string) => void;
  readonly #timing;

  constructor(write: (text: string) => void, timing = realTiming) {
    this.#write = write;
    this.#timing = timing;
  }

  clear(): void {
    this.#write(`${BLACK}\u001b[2J${at(0, 0)}`);
  }

  /** Text at a position, over whatever is there. */
  print(column: number, row: number, text: string): void {
    this.#write(`${BLUE}${at(column, row)}${text}`);
  }

  /** A title over the whole screen. */
  async page(title: string[]): Promise<void> {
    const size = { column: 0, row: 0, columns: SIZE.columns, rows: USABLE_ROWS };
    await this.#draw({ lines: title, ...size, offset: 1 });
  }

  /** A full-screen box of text in the middle. */
  async text(lines: string[]): Promise<void> {
    const size = { column: 0, row: 0, columns: SIZE.columns, rows: USABLE_ROWS };
    await this.#draw({ lines, ...size, offset: 0 });
  }

  /** A menu in the middle. */
  async menu(items: string[], selected: number): Promise<void> {
    const columns = Math.max(...items.map((item) => item.length)) + 4;
    const rows = items.length + 2;
    await this.#draw({ lines: items, selected, ...centre(columns, items.length + 4), columns, rows, offset: 0 });
  }

  /** The field for a password: nothing that is typed shows. */
  async prompt(text: string): Promise<void> {
    const line = `${text}            `;
    const columns = line.length + 4;
    await this.#draw({ lines: [line], ...centre(columns, 5), columns, rows: 3, offset: 0 });
  }

  /** The line in the middle of the countdown's screen, and the one near the bottom that changes. */
  message(text: string): void {
    this.print(Math.floor((SIZE.columns - text.length) / 2), Math.floor(SIZE.rows / 2), text);
  }

  footer(text: string): void {
    this.print(2, SIZE.rows - 3, text);
  }

  async #draw(box: Box): Promise<void> {
    const inside = box.columns - 2;
    const first = box.offset === 0 ? Math.floor((box.rows - box.lines.length) / 2) : box.offset;
    const edge = (left: string, right: string): string => left + LINES.across.repeat(inside) + right;
    await this.#row(box, 0, edge(LINES.topLeft, LINES.topRight));
    for (let row = 1; row < box.rows - 1; row++) {
      const line = box.lines[row - first] ?? "";
      const before = Math.max(0, Math.floor((inside - line.length) / 2));
      const text = (" ".repeat(before) + line).slice(0, inside).padEnd(inside);
      const selected = line !== "" && row - first === box.selected;
      await this.#row(box, row, LINES.down + text + LINES.down, selected ? BLACK : BLUE);
    }
    await this.#row(box, box.rows - 1, edge(LINES.bottomLeft, LINES.bottomRight));
  }

  /** One row at a time, as a serial line delivers them: who reads the screen must wait for the last one. */
  async #row(box: Box, row: number, text: string, colours = BLUE): Promise<void> {
    this.#write(`${colours}${at(box.column, box.row + row)}${text}`);
    await this.#timing.sleep(1);
  }
}

const at = (column: number, row: number): string =>
  `\u001b[${String(row + 1).padStart(2, "0")};${String(column + 1).padStart(2, "0")}H`;

/** shim's own arithmetic for a box in the middle. */
const centre = (columns: number, rows: number): { column: number; row: number } => ({
  column: Math.floor((SIZE.columns - columns + 2) / 2),
  row: Math.floor((USABLE_ROWS - rows + 2) / 2),
});
