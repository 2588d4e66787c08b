import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, contentHash } from "../../core/hash.ts";
import { character } from "../hostile/inputs.ts";

/** The same value with the keys of every object in it the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

const parts = fc.dictionary(fc.string(), fc.jsonValue());

test("a content hash has twelve hexadecimal digits, whatever goes in", () => {
  fc.assert(fc.property(parts, (content) => assert.match(contentHash(content), /^[0-9a-f]{12}$/)));
});

test("a content hash doesn't depend on the order of keys, at any depth", () => {
  fc.assert(fc.property(parts, (content) => contentHash(content) === contentHash(reversed(content) as typeof content)));
});

test("a content hash depends on everything else: names, values, the order of lists, where one part ends", () => {
  const hashes = [
    { a: "1", b: "2" },
    { a: "2", b: "1" },
    { a: "12", b: "" },
    { a: "1", c: "2" },
    { a: 1, b: "2" },
    { a: ["1", "2"] },
    { a: ["2", "1"] },
    { a: ["12"] },
    { a: { b: "2" } },
    {},
  ].map(contentHash);
  assert.equal(new Set(hashes).size, hashes.length);
});

test("canonical JSON is JSON of the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: character }), (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("a member without a value is as good as absent", () => {
  assert.equal(contentHash({ a: 1, b: undefined }), contentHash({ a: 1 }));
});
