import { realTiming } from "./timing.ts";

/** One stroke, as the firmware's terminal driver delivers it. */
export type Key =
  { name: "up" | "down" | "escape" | "enter" | "backspace" | "other" } | { name: "character"; character: string };

const SEQUENCES: Record<string, Key["name"]> = { "\u001b[A": "up", "\u001b[B": "down" };
/** An escape byte that nothing follows for this long is the Esc key. */
const ESCAPE_MS = 150;

/** What comes in on the serial line, as key strokes; early ones wait. */
export class Keyboard {
  readonly #timing;
  readonly #keys: Key[] = [];
  #partial = "";
  #cancelEscape = (): void => undefined;
  #waiting: ((key: Key | null) => void) | undefined;

  constructor(timing = realTiming) {
    this.#timing = timing;
  }

  /** Takes bytes from the line. */
  feed(text: string): void {
    this.#cancelEscape();
    this.#partial += text;
    while (this.#partial !== "") {
      const taken = this.#take();
      if (taken === null) {
        this.#cancelEscape = this.#timing.after(ESCAPE_MS, () => this.#escape());
        return;
      }
      this.#push(taken);
    }
  }

  /** The next stroke; null after `timeoutMs` without one, or when `signal` aborts. */
  async next(signal: AbortSignal, timeoutMs?: number): Promise<Key | null> {
    const ready = this.#keys.shift();
    if (ready !== undefined || signal.aborted) return ready ?? null;
    return new Promise((resolve) => {
      const cancel = timeoutMs === undefined ? undefined : this.#timing.after(timeoutMs, () => done(null));
      const abort = (): void => done(null);
      const done = (key: Key | null): void => {
        cancel?.();
        signal.removeEventListener("abort", abort);
        this.#waiting = undefined;
        resolve(key);
      };
      signal.addEventListener("abort", abort);
      this.#waiting = done;
    });
  }

  /** Forgets what was typed before power-on. */
  clear(): void {
    this.#keys.length = 0;
    this.#partial = "";
    this.#cancelEscape();
  }

  /** Takes one key off the front; null when the bytes may be the start of a longer sequence. */
  #take(): Key | null {
    const text = this.#partial;
    if (!text.startsWith("\u001b")) {
      this.#partial = text.slice(1);
      return keyOf(text.charAt(0));
    }
    const sequence = /^\u001b\[[0-9;]*[A-Za-z~]/.exec(text)?.[0];
    if (sequence === undefined) {
      if (text.length < 2 || text.startsWith("\u001b[")) return null;
      this.#partial = text.slice(1);
      return { name: "escape" };
    }
    this.#partial = text.slice(sequence.length);
    return { name: SEQUENCES[sequence] ?? "other" } as Key;
  }

  #escape(): void {
    this.#partial = "";
    this.#push({ name: "escape" });
  }

  #push(key: Key): void {
    if (this.#waiting === undefined) this.#keys.push(key);
    else this.#waiting(key);
  }
}

function keyOf(character: string): Key {
  if (character === "\r") return { name: "enter" };
  if (character === "\b" || character === "\u007f") return { name: "backspace" };
  return character < " " ? { name: "other" } : { name: "character", character };
}
