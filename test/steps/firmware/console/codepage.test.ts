import assert from "node:assert/strict";
import { test } from "node:test";
import { ConsoleDecoder } from "../../../../steps/firmware/console/codepage.ts";

test("code page 437 and UTF-8 give the same frame", () => {
  const frame = "┌─┐│└─┘";
  assert.equal(new ConsoleDecoder().decode(Buffer.from([0xda, 0xc4, 0xbf, 0xb3, 0xc0, 0xc4, 0xd9])), frame);
  assert.equal(new ConsoleDecoder().decode(Buffer.from(frame)), frame);
});

test("a character may come in pieces", () => {
  const decoder = new ConsoleDecoder();
  const bytes = [...Buffer.from("a│b")];
  assert.equal(bytes.map((byte) => decoder.decode(Buffer.from([byte]))).join(""), "a│b");
});

test("escape sequences and ASCII pass as they are, other bytes become blanks", () => {
  assert.equal(new ConsoleDecoder().decode(Buffer.from("\u001b[2;3Hok\r\n\u0007")), "\u001b[2;3Hok\r\n\u0007");
  assert.equal(new ConsoleDecoder().decode(Buffer.from([0x80, 0xff])), "  ");
});
