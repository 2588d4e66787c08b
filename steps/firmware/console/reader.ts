/** Follows a console: keeps its screen up to date, tells when the screen rests or changes, and types. */
import type { Duplex } from "node:stream";
import { screenIdleSeconds, screenRestMilliseconds } from "../../../core/patience.ts";
import { after, now, sleep } from "../../lib/clock.ts";
import { ConsoleDecoder } from "./codepage.ts";
import { bootedOn } from "./menu.ts";
import { ConsoleTerminal } from "./terminal.ts";
import { type View, screenText, viewOf } from "./view.ts";

/** How many of the last screens a transcript holds: it becomes part of an error, which Pulumi keeps in state. */
const keptScreens = 8;

/** How a reader works. */
export interface ReaderOptions {
  /** Masked wherever a screen is kept. */
  secret: string;
  /** When to give up, in milliseconds since 1970. */
  deadline: number;
  /** Ends the reading early. */
  signal: AbortSignal | undefined;
}

/** One console being followed. */
export class ConsoleReader {
  /** Why there is nothing more to read, once there isn't. */
  endedBecause: string | undefined;
  /** Whether that came from the console itself, which may be opened again. */
  isLost = false;
  readonly #console: Duplex;
  readonly #options: ReaderOptions;
  readonly #decoder = new ConsoleDecoder();
  readonly #terminal = new ConsoleTerminal();
  #arrived = (): void => undefined;
  #lastArrival = now();
  /** The last text as it came, to find what boot loaders and kernels write even if they scroll or clear the screen. */
  #text = "";
  #screens: string[] = [];

  constructor(console: Duplex, options: ReaderOptions) {
    this.#console = console;
    this.#options = options;
    console.on("data", this.#receive);
    console.on("close", this.#closed);
    console.on("error", this.#failed);
    options.signal?.addEventListener("abort", this.#aborted);
    if (options.signal?.aborted === true) this.#aborted();
  }

  /** Reads on and looks at nothing until `begin` aborts; what came until then is forgotten. */
  async idle(begin: AbortSignal): Promise<void> {
    const begun = (): void => this.#arrived();
    begin.addEventListener("abort", begun);
    while (!begin.aborted && !this.#hasEnded()) await this.#arrival(screenIdleSeconds * 1000);
    begin.removeEventListener("abort", begun);
    if (this.endedBecause === undefined) this.forgetBoot();
  }

  /** From here on a boot counts only by what is written now. */
  forgetBoot(): void {
    this.#text = "";
  }

  /**
   * The screen once it has come to rest; `booted on` when a boot loader or kernel has written since that was forgotten last;
   * `ended` when there is nothing more to read.
   */
  async settled(): Promise<View | "booted on" | "ended"> {
    while (!this.#hasEnded()) {
      if (bootedOn.test(this.#text)) return "booted on";
      const silence = now() - this.#lastArrival;
      if (silence >= screenRestMilliseconds) return this.#keep(viewOf(this.#terminal.screen()));
      await this.#arrival(screenRestMilliseconds - silence);
    }
    return "ended";
  }

  /** Waits until the screen is another than `from` (default: until anything comes); false if that takes too long. */
  async changed(milliseconds: number, from?: View): Promise<boolean> {
    const until = now() + milliseconds;
    const before = from && JSON.stringify(from);
    while (!this.#hasEnded()) {
      const left = until - now();
      if (left <= 0) return false;
      const came = await this.#arrival(left);
      if (came && before === undefined) return true;
      if (before !== undefined && JSON.stringify(viewOf(this.#terminal.screen())) !== before) return true;
    }
    return true;
  }

  /** Writes one key in one piece: an escape sequence that falls apart is an Escape key, which leaves MokManager. */
  send(key: string): void {
    this.#console.write(key);
  }

  /** Types slowly, `pause` milliseconds between two characters. */
  async type(text: string, pause: number): Promise<void> {
    for (const character of text) {
      this.send(character);
      await sleep(pause);
    }
  }

  /** `text` with the secret masked. */
  masked(text: string): string {
    return text.replaceAll(this.#options.secret, "********");
  }

  /** The screen as text, the secret masked. */
  screen(): string {
    return this.masked(screenText(this.#terminal.screen()));
  }

  /** The last screens that came to rest, oldest first, without empty lines, the secret masked. */
  transcript(): string {
    const all = [...this.#screens, this.screen()].map((screen) => screen.replaceAll(/^(?:│ *│.*)?\n/gm, ""));
    return all.filter((screen, index) => screen !== all[index - 1]).join("\n\n");
  }

  /** Gives the console back. */
  close(): void {
    this.#options.signal?.removeEventListener("abort", this.#aborted);
    this.#console.off("data", this.#receive);
    this.#console.destroy();
    this.#terminal.dispose();
  }

  #keep(view: View): View {
    const text = this.screen();
    if (text !== this.#screens.at(-1)) this.#screens = [...this.#screens, text].slice(-keptScreens);
    return view;
  }

  #hasEnded(): boolean {
    if (now() >= this.#options.deadline) this.#end("the time given for MokManager is up");
    return this.endedBecause !== undefined;
  }

  /** Resolves with true when bytes arrive, with false after `milliseconds` or at the deadline. */
  async #arrival(milliseconds: number): Promise<boolean> {
    const wait = Math.min(milliseconds, Math.max(0, this.#options.deadline - now())) + 1;
    return new Promise((resolve) => {
      const cancel = after(wait, () => resolve(false));
      this.#arrived = () => {
        cancel();
        resolve(true);
      };
    });
  }

  #receive = (bytes: Buffer): void => {
    const text = this.#decoder.decode(bytes);
    this.#text = (this.#text + text).slice(-4000);
    this.#lastArrival = now();
    void this.#terminal.write(text).then(() => {
      this.#lastArrival = now();
      this.#arrived();
    });
  };

  #closed = (): void => this.#lose("the console was closed");
  #failed = (error: Error): void => this.#lose(`the console failed: ${error.message}`);
  #aborted = (): void => this.#end("MokManager didn't show itself before the caller ended the wait");

  #lose(why: string): void {
    this.isLost ||= this.endedBecause === undefined;
    this.#end(why);
  }

  #end(why: string): void {
    this.endedBecause ??= why;
    this.#arrived();
  }
}
