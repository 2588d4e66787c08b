import { formsOf, type Form, type Secret } from "./forms.ts";

/** A secret that was found. */
export interface Found {
  readonly secret: string;
  /** How it was written. */
  readonly encoding: string;
}

/** Looks for many secrets at once, in one pass over the bytes. */
export class Search {
  /** Names of what it looks for, in their order. */
  readonly names: readonly string[];
  /** Forms by their first three bytes. */
  readonly #forms = new Map<number, Form[]>();
  /** Whether any form begins with these three bytes: most bytes of a file are passed by this alone. */
  readonly #begins = new Uint8Array(1 << 24);

  constructor(secrets: readonly Secret[]) {
    this.names = secrets.map(({ name }) => name);
    for (const form of formsOf(secrets)) {
      const start = form.bytes.readUIntBE(0, 3);
      this.#begins[start] = 1;
      this.#forms.set(start, [...(this.#forms.get(start) ?? []), form]);
    }
  }

  /** Each secret that is in there, once, in the first of its forms. */
  in(bytes: Buffer | string): Found[] {
    const buffer = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    const found = new Map<string, string>();
    let start = 0;
    for (let at = 0; at < buffer.length; at += 1) {
      start = ((start << 8) | (buffer[at] ?? 0)) & 0xffffff;
      if (this.#begins[start] === 1 && at >= 2) this.#compare(buffer, at - 2, start, found);
    }
    return [...found].map(([secret, encoding]) => ({ secret, encoding }));
  }

  /** The same in what a terminal shows, which breaks a line wherever it is full. */
  inPicture(text: string): Found[] {
    const found = [text, text.replaceAll(/\s*\r?\n\s*/g, "")].flatMap((each) => this.in(each));
    return [...new Map(found.map((each) => [each.secret, each])).values()];
  }

  #compare(buffer: Buffer, at: number, start: number, found: Map<string, string>): void {
    for (const { secret, encoding, bytes } of this.#forms.get(start) ?? []) {
      if (found.has(secret) || at + bytes.length > buffer.length) continue;
      if (buffer.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0) found.set(secret, encoding);
    }
  }
}
