import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { told } from "../../core/errors.ts";
import { cleanText, excerpt, listed, messageText, quoted, shownValue } from "../../core/text.ts";
import { LimitedText, TooMuch } from "../../steps/lib/limited.ts";
import { cleanLine, cutLine } from "../../steps/lib/output.ts";
import { assertShowable, assertTold, hostile } from "./hostile.ts";
import { damagedJson, odd } from "./inputs.ts";

hostile("text for people", fc.tuple(odd, damagedJson({ a: [1, "x", { b: null }] })), ([text, value]) => {
  assertTold(told("OKMM-UNEXPECTED", text));
  assertShowable(messageText(text));
  assertShowable(excerpt(cleanText(text), 50), 100);
  assertShowable(quoted(text), 1500);
  assertShowable(shownValue(value), 1500);
  assertShowable(listed([text, text]), 3000);
  assertShowable(cutLine(cleanLine(text)), 4096);
  assert.equal(cleanText(cleanText(text)), cleanText(text));
});

test("a short value is quoted as JSON has it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 90 }), (text) => {
      assert.equal(JSON.parse(quoted(text)), text.toWellFormed());
    }),
  );
  assert.equal(quoted("\u009b2J\u202e"), '"\\u009b2J\\u202e"');
  assert.deepEqual(JSON.parse(shownValue({ a: [1, "x"] })), { a: [1, "x"] });
});

test("a private key is never quoted, wherever it was put", () => {
  const key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret\n-----END RSA PRIVATE KEY-----\n";
  for (const shown of [quoted(key), shownValue(key), shownValue({ file: key })]) assert.doesNotMatch(shown, /MIIE/);
});

test("a value that is nested too deeply for JSON is said to be that", () => {
  const deep = JSON.parse("[".repeat(50_000) + "]".repeat(50_000)) as unknown;
  assert.equal(shownValue(deep), "a value that is nested too deeply");
});

test("of a message that is too long the middle goes, and what to do stays at its end", () => {
  const message = messageText(`found ${"x".repeat(1_000_000)}; fix it`);
  assert.match(message, /^found x.*… \(967\d{3} characters cut\) …x+; fix it$/s);
  assertShowable(message);
});

test("a peer's text is whole up to the limit, and refused from the next byte on", () => {
  const euro = Buffer.from("€");
  const text = new LimitedText(6);
  for (const piece of [euro.subarray(0, 1), euro.subarray(1), euro]) text.add(piece);
  assert.equal(text.text, "€€");
  assert.throws(() => text.add(Buffer.from("x")), TooMuch);
});
