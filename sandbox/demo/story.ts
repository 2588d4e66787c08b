/** A story in lines that fit the terminal; elsewhere the same lines without escape codes, at 80 columns. */
import { styleText } from "node:util";
import { formatElapsed } from "../toolchain/pace.ts";

/** Where the story is told; `process.stdout`, or a test's. */
export interface Page {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** A step that goes on. */
export interface OpenStep {
  /** What goes on in it now, for as long as it isn't told. */
  now(message: string): void;
  /** Told in one line with a mark and the time that it took. */
  end(good: boolean): void;
}

interface Running {
  readonly sentence: string;
  message?: string;
  readonly began: number;
}

const widest = 80;
const timeWidth = "00:00".length;
const clearLine = "\r\u001b[K";

export class Story {
  readonly #page: Page;
  readonly #running: Running[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(page: Page = process.stdout) {
    this.#page = page;
  }

  /** Columns that a line may take. */
  get width(): number {
    return Math.min(widest, this.#page.columns ?? widest);
  }

  heading(text: string): void {
    this.#print("", this.#style("bold", text));
  }

  /** A paragraph. `indent` is the number of blanks before each of its lines. */
  say(text: string, indent = 0): void {
    this.#print(...wrap(text, this.width - indent).map((line) => " ".repeat(indent) + line));
  }

  /** Lines as they are, such as a table that fits already. */
  show(lines: readonly string[]): void {
    this.#print(...lines);
  }

  /** Begins a step. On a terminal a line shows the last begun and how long it has taken, until it ends. */
  begin(sentence: string, began = Date.now()): OpenStep {
    const step: Running = { sentence, began };
    this.#running.push(step);
    this.#follow();
    const now = (message: string) => {
      step.message = message;
      this.#paint();
    };
    return { now, end: (good) => this.#end(step, good) };
  }

  /** A step from its beginning to its end. */
  async step<T>(sentence: string, action: () => Promise<T>): Promise<T> {
    const step = this.begin(sentence);
    try {
      const value = await action();
      step.end(true);
      return value;
    } catch (error) {
      step.end(false);
      throw error;
    }
  }

  #end(step: Running, good: boolean): void {
    const at = this.#running.indexOf(step);
    if (at === -1) return;
    this.#running.splice(at, 1);
    const mark = good ? this.#style("green", "✔") : this.#style("red", "✘");
    this.#print(`${mark} ${this.#line(step.sentence, step.began)}`);
    this.#follow();
  }

  /** The sentence and its time, at the right edge. */
  #line(text: string, began: number): string {
    const room = this.width - "✔ ".length - 1 - timeWidth;
    return `${cut(text, room).padEnd(room)} ${formatElapsed(Date.now() - began)}`;
  }

  #print(...lines: string[]): void {
    const clear = this.#timer !== undefined ? clearLine : "";
    this.#page.write(clear + lines.map((line) => `${line}\n`).join(""));
    this.#paint();
  }

  /** Keeps the terminal's last line up to date while something goes on. */
  #follow(): void {
    if (this.#page.isTTY !== true) return;
    if (this.#running.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#timer ??= setInterval(() => this.#paint(), 1000);
    this.#paint();
  }

  #paint(): void {
    const last = this.#running.at(-1);
    if (this.#timer === undefined || last === undefined) return;
    this.#page.write(`${clearLine}… ${this.#line(last.message ?? last.sentence, last.began)}`);
  }

  #style(format: "bold" | "green" | "red", text: string): string {
    const isPlain = this.#page.isTTY !== true || process.env["NO_COLOR"] !== undefined;
    return isPlain ? text : styleText(format, text, { validateStream: false });
  }
}

/** At most so long; an ellipsis says that there was more. */
function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/** The text in lines of at most `width`; a word that is longer stands alone. Its own indentation is kept in each line. */
export function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = "";
  for (const word of text.trim().split(/ +/)) {
    const longer = line === "" ? indent + word : `${line} ${word}`;
    if (longer.length <= width || line === "") {
      line = longer;
      continue;
    }
    lines.push(line);
    line = indent + word;
  }
  return [...lines, line];
}
