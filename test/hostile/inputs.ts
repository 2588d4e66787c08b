/** Input that is nearly right, and input that is all wrong. */
import fc from "fast-check";

/** What has broken programs before. */
const awkward = [
  "",
  " ",
  "\0",
  "\r\n",
  "-x",
  "--help",
  "__proto__",
  "constructor",
  "toString",
  "$(touch x)",
  "`touch x`",
  "'\"'\"",
  "${PATH}",
  "; touch x",
  "../../../etc/passwd",
  "\u001b[2J\u001b[1;31m",
  "\u009b2J",
  "\u001b]0;title\u0007",
  "\u202egnp.exe",
  "\ud800",
  "\ufeff",
  "Ω≈ç√∫",
  "👩‍👩‍👧",
  "NaN",
  "null",
  "1e999",
  "99999999999999999999",
  "-1",
  "0x10",
  "1".repeat(70_000),
  "a.".repeat(5000),
  ".rt1.el9".repeat(1000),
  "ssh-".repeat(4000),
  "[".repeat(9000),
  "\u001b[".repeat(3000),
  "A\n".repeat(4000),
] as const;

/** Any character at all. fast-check's `binary` is the same, but first makes a table of all of them, for half a second. */
export const character = fc.nat(0x10ffff - 0x800).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));

export const odd: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...awkward) },
  { weight: 1, arbitrary: fc.string({ unit: character, maxLength: 60 }) },
  { weight: 1, arbitrary: fc.tuple(fc.string({ maxLength: 5 }), fc.nat(3000)).map(([text, n]) => text.repeat(n)) },
);

/** Bytes that were cut, doubled, flipped or overwritten, one to six times. */
export function damagedBytes(samples: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const change = fc.record({
    kind: fc.constantFrom("flip", "cut", "double", "remove", "insert", "huge", "zero"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(300),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 24 }),
  });
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 6 }))
    .map(([sample, changes]) => changes.reduce<Buffer>((bytes, each) => damage(bytes, each), Buffer.from(sample)));
}

interface Change {
  readonly kind: "flip" | "cut" | "double" | "remove" | "insert" | "huge" | "zero";
  readonly at: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

function damage(bytes: Buffer, { kind, at: where, length, bytes: other }: Change): Buffer {
  const at = Math.floor(where * bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case "flip":
      return Buffer.concat([
        before,
        Buffer.from(after.subarray(0, 1).map((byte) => byte ^ (1 << (length % 8)))),
        after.subarray(1),
      ]);
    case "cut":
      return before;
    case "double":
      return Buffer.concat([before, after.subarray(0, length), after]);
    case "remove":
      return Buffer.concat([before, after.subarray(length)]);
    case "insert":
      return Buffer.concat([before, other, after]);
    case "huge":
      return Buffer.concat([before, Buffer.alloc(Math.min(4, after.length), 0xff), after.subarray(4)]);
    case "zero":
      return Buffer.concat([before, Buffer.alloc(Math.min(4, after.length)), after.subarray(4)]);
  }
}

/** As {@link damagedBytes}, with odd text put in, too. */
export function damagedText(...samples: readonly string[]): fc.Arbitrary<string> {
  const bytes = damagedBytes(samples.map((sample) => Buffer.from(sample))).map((damaged) => damaged.toString("utf8"));
  return fc.oneof(
    bytes,
    odd,
    fc
      .tuple(fc.constantFrom(...samples), odd, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([sample, text, where]) => {
        const at = Math.floor(where * sample.length);
        return sample.slice(0, at) + text + sample.slice(at);
      }),
  );
}

/** JSON's values that are never the right ones. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  odd,
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 1e300, [], {}, [[]], { a: { b: [{}] } }, "true", "0"),
  fc
    .constant(0)
    .map(() => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as unknown),
);

/** A JSON value with one to four of its members gone, renamed, or of another kind. */
export function damagedJson(...samples: readonly unknown[]): fc.Arbitrary<unknown> {
  const change = fc.record({
    kind: fc.constantFrom<"replace" | "remove" | "rename" | "double">(
      "replace",
      "replace",
      "remove",
      "rename",
      "double",
    ),
    picks: fc.array(fc.nat(1000), { minLength: 1, maxLength: 9 }),
    value: oddValue,
    name: odd,
  });
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([sample, changes]) => changes.reduce<unknown>(damageJson, structuredClone(sample)));
}

interface JsonChange {
  readonly kind: "replace" | "remove" | "rename" | "double";
  /** Which member is gone into, level by level. */
  readonly picks: readonly number[];
  readonly value: unknown;
  readonly name: string;
}

function damageJson(value: unknown, change: JsonChange): unknown {
  const [pick = 0, ...deeper] = change.picks;
  if (typeof value !== "object" || value === null) return change.value;
  const entries = Object.entries(value);
  if (entries.length === 0) return change.value;
  const at = pick % entries.length;
  const [key, member] = entries[at] as [string, unknown];
  if (deeper.length > 0 && typeof member === "object" && member !== null) {
    entries[at] = [key, damageJson(member, { ...change, picks: deeper })];
  } else if (change.kind === "remove") entries.splice(at, 1);
  else if (change.kind === "rename") entries[at] = [change.name, member];
  else if (change.kind === "double") entries.push([`${key}2`, member]);
  else entries[at] = [key, change.value];
  return Array.isArray(value) ? entries.map(([, each]) => each as unknown) : Object.fromEntries(entries);
}
