/**
 * Text of a serial console. UEFI's terminal driver writes ASCII and, for frames and arrows, either code page 437
 * (terminal types VT100, VT100+ and PC-ANSI) or UTF-8 (VT-UTF8); this recognises both, so that nobody has to know
 * the setting of a machine's firmware.
 */

/** What shim draws with, by its byte in code page 437. */
const codePage437: Record<string, string> = {
  "\xda": "┌",
  "\xbf": "┐",
  "\xc0": "└",
  "\xd9": "┘",
  "\xc4": "─",
  "\xb3": "│",
  "\xc9": "╔",
  "\xbb": "╗",
  "\xc8": "╚",
  "\xbc": "╝",
  "\xcd": "═",
  "\xba": "║",
  "\x18": "↑",
  "\x19": "↓",
};

// Box drawing (U+2500…) and arrows (U+2190…) in UTF-8; in code page 437 these would be `Γö…` or `Γå…`, which no screen has.
const utf8Drawing = /\xe2[\x86\x94-\x96][\x80-\xbf]/g;
const utf8Begun = /\xe2(?:[\x86\x94-\x96])?$/;

/** Decodes a stream of bytes piece by piece: a character may begin in one piece and end in the next. */
export class ConsoleDecoder {
  #held = "";

  /** The text of the next bytes. Bytes that are neither ASCII nor known drawing become blanks. */
  decode(bytes: Uint8Array): string {
    const received = this.#held + Buffer.from(bytes).toString("latin1");
    this.#held = utf8Begun.exec(received)?.[0] ?? "";
    return received
      .slice(0, received.length - this.#held.length)
      .replace(utf8Drawing, (character) => Buffer.from(character, "latin1").toString("utf8"))
      .replace(/[\x80-\xff\x18\x19]/g, (character) => codePage437[character] ?? " ");
  }
}
