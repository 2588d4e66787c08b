/** The forms in which a secret may stand somewhere: as it is, and as programs write it down. */
import { createPrivateKey } from "node:crypto";

/** Something that only its owner may read. */
export interface Secret {
  /** What it is, for whoever reads that it leaked. */
  readonly name: string;
  /** Text as its owner has it; a private key as PEM or in OpenSSH's own format. */
  readonly value: string;
}

/** Bytes that give a secret away. */
export interface Form {
  readonly secret: string;
  /** How it is written there: `raw`, `base64`, … */
  readonly encoding: string;
  readonly bytes: Buffer;
}

/** Shorter ones would be found by chance. */
const shortest = 6;

/** Every form of these secrets, each once. */
export function formsOf(secrets: readonly Secret[]): Form[] {
  const forms = new Map<string, Form>();
  for (const { name, value } of secrets) {
    for (const [encoding, bytes] of piecesOf(value).flatMap(encodingsOf)) {
      const key = `${name} ${bytes.toString("latin1")}`;
      if (bytes.length >= shortest && !forms.has(key)) forms.set(key, { secret: name, encoding, bytes });
    }
  }
  return [...forms.values()];
}

/**
 * What of a secret is looked for. Of a private key: pieces of its private part alone, because certificates hold the rest of
 * it; of its bytes, and of its lines, because a PEM may be cut anywhere.
 */
function piecesOf(value: string): Buffer[] {
  if (!value.includes("PRIVATE KEY-----")) {
    // A file's lines may be joined otherwise; one of them is enough.
    const lines = value.split("\n").filter((line) => line.length >= shortest);
    return [value.trim(), ...(lines.length > 1 ? lines : [])].map((text) => Buffer.from(text));
  }
  return privatePartsOf(value).flatMap((part) => [...windows(part), ...linesWith(part, value)]);
}

/** The numbers that are nowhere else: RSA's d, p and q, an elliptic curve's d. */
function privatePartsOf(pem: string): Buffer[] {
  if (pem.includes("OPENSSH PRIVATE KEY")) return [openSshSeed(bodyOf(pem))];
  const { d, p, q } = createPrivateKey(pem).export({ format: "jwk" });
  return [d, p, q].flatMap((number) => (number === undefined ? [] : [Buffer.from(number, "base64url")]));
}

/** An unencrypted Ed25519 key (PROTOCOL.key in OpenSSH's source): after the second mention of its type, its public half, its private one. */
function openSshSeed(body: Buffer): Buffer {
  const type = "ssh-ed25519";
  const publicAt = body.lastIndexOf(type) + type.length;
  const privateAt = publicAt + 4 + body.readUInt32BE(publicAt) + 4;
  return body.subarray(privateAt, privateAt + 32);
}

/** Bytes of a window: its base64 is shorter than a line, whether lines have 64, 70 or 76 characters. */
const windowBytes = 24;

/** Four windows one after the other from the middle: a line's end may fall into one of two neighbours, never into both. */
function windows(part: Buffer): Buffer[] {
  if (part.length < 2 * windowBytes) return [part.subarray(0, windowBytes), part.subarray(-windowBytes)];
  const from = Math.max(0, Math.floor(part.length / 2) - 2 * windowBytes);
  const starts = [0, 1, 2, 3].map((index) => from + index * windowBytes);
  return starts
    .map((start) => part.subarray(start, start + windowBytes))
    .filter(({ length }) => length === windowBytes);
}

/** Lines of a PEM that hold some of this part: three at most, its first one left out, which may begin with other things. */
function linesWith(part: Buffer, pem: string): Buffer[] {
  const start = bodyOf(pem).indexOf(part);
  if (start === -1) return [];
  const [from, to] = [start, start + part.length].map((byte) => Math.ceil((byte * 4) / 3)) as [number, number];
  let at = 0;
  const lines = bodyLines(pem).filter((line) => {
    const begin = at;
    at += line.length;
    return begin < to && at > from;
  });
  const whole = lines.length > 2 ? lines.slice(1, -1).slice(0, 3) : lines;
  return whole.map((line) => Buffer.from(line));
}

const bodyLines = (pem: string): string[] =>
  pem.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("-----") && !line.includes(":"));

const bodyOf = (pem: string): Buffer => Buffer.from(bodyLines(pem).join(""), "base64");

/** One piece as programs write it. */
function encodingsOf(piece: Buffer): [string, Buffer][] {
  const text = piece.toString();
  const isText = Buffer.from(text).equals(piece);
  const once = base64sOf(piece);
  const written: [string, string][] = [
    ...once.map((form): [string, string] => ["base64", form]),
    ...once.map((form): [string, string] => ["base64url", form.replaceAll("+", "-").replaceAll("/", "_")]),
    // A Secret's data in base64 as a YAML or JSON file that is itself in base64.
    ...once.flatMap(base64sOf).map((form): [string, string] => ["base64 of base64", form]),
    ["hex", piece.toString("hex")],
    ["hex", piece.toString("hex").toUpperCase()],
    ...(isText ? textFormsOf(text) : []),
  ];
  return [["raw", piece], ...written.map(([encoding, form]): [string, Buffer] => [encoding, Buffer.from(form)])];
}

/** What three positions in a longer text make of a piece in base64, without what depends on its neighbours. */
function base64sOf(piece: Buffer | string): string[] {
  const bytes = Buffer.from(piece as string);
  return [0, 1, 2].map((before) => {
    const all = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    return all.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

function textFormsOf(text: string): [string, string][] {
  const url = encodeURIComponent(text);
  const json = JSON.stringify(text).slice(1, -1);
  // Go writes these three so (encoding/json, "HTMLEscape").
  const go = json.replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  return [
    ["URL", url],
    ["URL", url.replaceAll("%20", "+")],
    ["JSON", json],
    ["JSON", go],
    ["JSON in JSON", JSON.stringify(json).slice(1, -1)],
    ["JSON in JSON", JSON.stringify(go).slice(1, -1)],
  ];
}
