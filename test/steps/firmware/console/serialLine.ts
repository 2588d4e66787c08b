/** The two ends of a serial line: a console for the driver, and the sandbox's MokManager (or a painter) behind it. */
import { Duplex } from "node:stream";
import { Keyboard } from "@onload-kmm/sandbox/nodes/firmware/keyboard";
import { runMokManager, wantsMokManager } from "@onload-kmm/sandbox/nodes/firmware/mokManager";
import type { Firmware } from "@onload-kmm/sandbox/nodes/machine";
import { liveBy } from "../../../../steps/lib/clock.ts";
import { VirtualClock } from "../../virtualClock.ts";

/** The time at both ends. Nobody waits for anything outside this process, so limits pass as pauses do. */
export const clock = new VirtualClock({ limitsPass: true });
liveBy(clock);

/** How the line treats what goes over it. */
export interface Line {
  /** Changes what the machine writes, for instance into another encoding. Default: UTF-8. */
  encode?: (text: string) => Buffer;
  /** Loses the n-th key that is sent (0 is the first). */
  loseKey?: number;
}

/** A serial line with a keyboard at the machine's end. */
export class SerialLine {
  readonly keyboard = new Keyboard(clock);
  readonly console: Duplex;
  /** Everything that was typed, in pieces as they were sent. */
  readonly typed: string[] = [];
  readonly #encode: (text: string) => Buffer;

  constructor({ encode = (text) => Buffer.from(text), loseKey }: Line = {}) {
    this.#encode = encode;
    this.console = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        const key = chunk.toString("latin1");
        if (this.typed.push(key) - 1 !== loseKey) this.keyboard.feed(key);
        done();
      },
    });
  }

  /** What the machine writes. */
  readonly write = (text: string): void => {
    if (!this.console.destroyed) this.console.push(this.#encode(text));
  };

  /** Boots: MokManager if there is a request, then the reset or the boot loader that follow. */
  async boot(firmware: Firmware, write = this.write): Promise<void> {
    const never = new AbortController().signal;
    const options = { firmware, save: () => undefined, keyboard: this.keyboard, write, timing: clock, signal: never };
    const ending = wantsMokManager(firmware) ? await runMokManager(options) : "boot";
    write(ending === "reset" ? '\u001b[2JBdsDxe: loading Boot0001 "RHCOS"\r\n' : "Welcome to GRUB!\r\n");
  }
}

/** shim's drawing in code page 437, as EDK II writes it to a PC-ANSI terminal. */
export function inCodePage437(text: string): Buffer {
  const bytes: Record<string, number> = { "┌": 0xda, "┐": 0xbf, "└": 0xc0, "┘": 0xd9, "─": 0xc4, "│": 0xb3 };
  return Buffer.from(Array.from(text, (character) => bytes[character] ?? character.charCodeAt(0)));
}
