/** What a serial console shows: text in, lines with their highlighting out. */
import xterm from "@xterm/headless";

/** One line of the screen. */
export interface Row {
  /** The line without trailing blanks. */
  text: string;
  /** The background colour of each column, as the terminal's colour number; -1 is the default. */
  backgrounds: number[];
}

/** A picture of the screen at one moment, from top to bottom. */
export type Screen = Row[];

/**
 * Larger than any firmware's text mode, so that nothing wraps: UEFI positions what it writes, and speaks of 80×25 up to
 * 128×40 cells (UEFI specification, Simple Text Output Protocol).
 */
const size = { cols: 160, rows: 60 };

/**
 * Sequences that the emulator carries out as often as their number says, by their final character: insert or delete lines,
 * scroll, repeat, tabs. A number of ten digits would keep it busy for hours.
 */
const repeating = ["L", "M", "S", "T", "b", "I", "Z", "@", "P"];

/** A terminal emulator without a window, for what UEFI's serial driver and Linux write. */
export class ConsoleTerminal {
  readonly #terminal = new xterm.Terminal({ ...size, scrollback: 0, logLevel: "off", allowProposedApi: true });

  constructor() {
    const isTooOften = (numbers: readonly (number | number[])[]): boolean => Number(numbers[0] ?? 1) > size.cols;
    // What a handler has dealt with goes no further: more than the screen has is nothing that firmware writes.
    for (const final of repeating) this.#terminal.parser.registerCsiHandler({ final }, isTooOften);
  }

  /** Feeds text with its escape sequences; resolves when the screen shows it. */
  write(text: string): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(text, resolve));
  }

  /** The screen as it is now. */
  screen(): Screen {
    const buffer = this.#terminal.buffer.active;
    const rows: Screen = [];
    for (let y = 0; y < size.rows; y += 1) {
      const line = buffer.getLine(buffer.viewportY + y);
      let text = "";
      const backgrounds: number[] = [];
      for (let x = 0; line !== undefined && x < size.cols; x += 1) {
        const cell = line.getCell(x);
        text += cell?.getChars() === "" ? " " : (cell?.getChars() ?? " ");
        backgrounds.push(cell?.isBgDefault() === false ? cell.getBgColor() : -1);
      }
      rows.push({ text: text.trimEnd(), backgrounds });
    }
    return rows;
  }

  /** Frees the emulator. */
  dispose(): void {
    this.#terminal.dispose();
  }
}
