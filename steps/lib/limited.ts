/** What others send, taken in up to a limit: a peer that never ends must not take this machine's memory. */
import type { Readable } from "node:stream";

/** A peer sent more than it has any reason to. */
export class TooMuch extends Error {
  constructor(most: number) {
    super(`an answer of more than ${most} bytes`);
  }
}

/** Collects pieces of one text. */
export class LimitedText {
  readonly #most: number;
  readonly #pieces: Buffer[] = [];
  #length = 0;

  /** @param most bytes */
  constructor(most: number) {
    this.#most = most;
  }

  /** @throws TooMuch */
  add(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > this.#most) throw new TooMuch(this.#most);
    this.#pieces.push(Buffer.from(piece));
  }

  /** Decoded as a whole: a character may begin in one piece and end in the next. */
  get text(): string {
    return Buffer.concat(this.#pieces).toString("utf8");
  }
}

/** A stream's whole text. @throws TooMuch, and ends the stream */
export async function limitedText(stream: Readable, most: number): Promise<string> {
  const collected = new LimitedText(most);
  for await (const piece of stream) collected.add(piece as Uint8Array);
  return collected.text;
}
