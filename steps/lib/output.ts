import { told } from "../../core/errors.ts";
import { cleanText } from "../../core/text.ts";

/**
 * A step's only way out. The command provider (1.2.1) reads lines into 64 KiB: one that is longer ends its reader, the
 * step's next write blocks, and `up` never ends. Output that isn't UTF-8 fails a create that has done its work. What other
 * programs, nodes and consoles say goes through here too, so each line is cleaned and cut, and none of it is inherited.
 */

/** Longest line, in bytes, the mark of a cut included. */
const longestLine = 4096;

/** Most bytes that the mark itself takes. */
const markBytes = 40;

/** Prints text on stderr where it takes no more bytes than there is room for. Answers how many it takes. */
export function printLines(text: string, room = Infinity): number {
  const lines = text.split(/\r?\n/).map((line) => `${cutLine(cleanLine(line))}\n`);
  const whole = lines.join("");
  const bytes = Buffer.byteLength(whole);
  if (bytes <= room) process.stderr.write(whole);
  return bytes;
}

/** Prints the step's answer on stdout. JSON escapes what isn't a character. */
export function printAnswer(answer: unknown): void {
  process.stdout.write(JSON.stringify(answer));
}

/**
 * An error that nothing caught would be printed by Node, with a line of source that may be as long as a library.
 *
 * @param keep is told of it, too
 */
export function printUncaught(keep: (error: Error) => void): void {
  process.on("uncaughtException", (error) => {
    printLines(told("OKMM-UNEXPECTED", error.stack ?? String(error)));
    keep(error);
    process.exit(1);
  });
}

/** Without escape sequences, control characters and halves of characters, which a terminal or a protocol would mind. */
export const cleanLine = (line: string): string => cleanText(line).replaceAll("\n", "\u{FFFD}");

/** The line's beginning, and how much was cut off, where it is too long. */
export function cutLine(line: string): string {
  const bytes = Buffer.from(line);
  if (bytes.length <= longestLine) return line;
  let end = longestLine - markBytes;
  // Not within a character: its further bytes are 10xxxxxx.
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return `${bytes.toString("utf8", 0, end)}… (${bytes.length - end} bytes cut)`;
}
