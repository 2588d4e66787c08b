import { createHash } from "node:crypto";
import { compareSync } from "bcryptjs";

/** The alphabet of crypt(5)'s base 64, least significant digit first. */
const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DEFAULT_ROUNDS = 5000;

/** The two variants by Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512": how they differ. */
const VARIANTS = {
  "5": { algorithm: "sha256", length: 43, step: [20, 10, 0], groups: 10, last: [31, 30] },
  "6": { algorithm: "sha512", length: 86, step: [42, 21, 0], groups: 21, last: [63] },
} as const;

type Variant = (typeof VARIANTS)[keyof typeof VARIANTS];

const BCRYPT = /^\$2[axy]\$[0-3][0-9]\$[./A-Za-z0-9]{53}$/;
const SHA = /^\$([56])\$(?:rounds=([0-9]{1,9})\$)?([^$\n]{0,16})\$([./0-9A-Za-z]+)$/;

/**
 * Does mokutil take this text from its `--hash-file`? A bcrypt hash must be the whole file; after a SHA-crypt hash
 * anything may follow, a newline for one.
 */
export function isUsableHash(text: string): boolean {
  if (BCRYPT.test(text)) return true;
  const parts = SHA.exec(text.split("\n")[0] ?? "");
  return parts !== null && (parts[4] ?? "").length >= VARIANTS[parts[1] as "5" | "6"].length;
}

/** Is this the password behind the hash (bcrypt, SHA-256 or SHA-512 crypt)? */
export function matchesHash(password: string, hash: string): boolean {
  if (BCRYPT.test(hash)) return compareSync(password, hash.replace(/^\$2[xy]/, "$2a"));
  const parts = SHA.exec(hash);
  if (parts === null) return false;
  const [, id = "6", rounds, salt = ""] = parts;
  const variant = VARIANTS[id as "5" | "6"];
  return digest(variant, password, salt, Number(rounds ?? DEFAULT_ROUNDS)) === parts[4]?.slice(0, variant.length);
}

/** `$6$SALT$…` with the default number of rounds. The salt has up to 16 characters. */
export const sha512Crypt = (password: string, salt: string): string =>
  `$6$${salt}$${digest(VARIANTS["6"], password, salt, DEFAULT_ROUNDS)}`;

/** Repeats `block` until there are `length` bytes. */
const fill = (block: Buffer, length: number): Buffer =>
  Buffer.concat(Array.from({ length: Math.ceil(length / block.length) }, () => block)).subarray(0, length);

function digest(variant: Variant, password: string, salt: string, rounds: number): string {
  const hash = (...parts: Uint8Array[]): Buffer => createHash(variant.algorithm).update(Buffer.concat(parts)).digest();
  const key = Buffer.from(password);
  const seed = Buffer.from(salt);
  const inner = hash(key, seed, key);
  const mixed: Uint8Array[] = [key, seed, fill(inner, key.length)];
  for (let bits = key.length; bits > 0; bits >>= 1) mixed.push((bits & 1) === 1 ? inner : key);
  let current = hash(...mixed);
  const keyBytes = fill(hash(fill(key, key.length ** 2)), key.length);
  const seedBytes = fill(hash(fill(seed, seed.length * (16 + (current[0] ?? 0)))), seed.length);
  for (let round = 0; round < Math.min(Math.max(rounds, 1000), 999_999_999); round++) {
    const odd = round % 2 === 1;
    const parts = [odd ? keyBytes : current];
    if (round % 3 !== 0) parts.push(seedBytes);
    if (round % 7 !== 0) parts.push(keyBytes);
    parts.push(odd ? current : keyBytes);
    current = hash(...parts);
  }
  return encode(variant, current);
}

/** The digest's bytes in crypt's own order: three at a time, each index turning by a third of the length. */
function encode({ step, groups, last, length }: Variant, bytes: Buffer): string {
  let text = "";
  let indices: number[] = [0, step[1], step[0]];
  for (let group = 0; group < groups; group++) {
    text += digits(indices.map((index) => bytes[index] ?? 0));
    indices = next(indices, length);
  }
  const rest = last.map((index) => bytes[index] ?? 0);
  return text + digits([...Array.from({ length: 3 - rest.length }, () => 0), ...rest]).slice(0, length - groups * 4);
}

/** SHA-512 turns the three indices to the left, SHA-256 to the right; both then go one on. */
const next = ([a = 0, b = 0, c = 0]: number[], length: number): number[] =>
  (length === 86 ? [b, c, a] : [c, a, b]).map((index) => index + 1);

/** Three bytes, the first the most significant, as four digits with the least significant first. */
function digits([high = 0, middle = 0, low = 0]: number[]): string {
  let value = (high << 16) | (middle << 8) | low;
  let text = "";
  for (let digit = 0; digit < 4; digit++) {
    text += ALPHABET[value & 63] ?? "";
    value >>= 6;
  }
  return text;
}
