/** An RSA key in all the forms that `tls.PrivateKey` gives it. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { promisify } from "node:util";

/** The outputs that come from the key; every text but the fingerprints ends with a newline. */
export interface KeyForms {
  id: string;
  privateKeyPem: string;
  privateKeyPemPkcs8: string;
  privateKeyOpenssh: string;
  publicKeyPem: string;
  publicKeyOpenssh: string;
  publicKeyFingerprintMd5: string;
  publicKeyFingerprintSha256: string;
}

/** Makes a new key; `bits` is its modulus' length. */
export async function generateRsaKey(bits: number): Promise<KeyForms> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: bits });
  return formsOf(privateKey);
}

/** All forms of a private RSA key. */
function formsOf(privateKey: KeyObject): KeyForms {
  const publicKey = createPublicKey(privateKey);
  const wire = publicWireFormat(privateKey);
  const md5 = createHash("md5").update(wire).digest("hex");
  return {
    // As Terraform's provider has it: of the public key's DER form.
    id: createHash("sha1")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("hex"),
    privateKeyPem: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    privateKeyPemPkcs8: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    privateKeyOpenssh: openSshPem(privateKey),
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    publicKeyOpenssh: `ssh-rsa ${wire.toString("base64")}\n`,
    publicKeyFingerprintMd5: md5.match(/../g)?.join(":") ?? "",
    publicKeyFingerprintSha256: `SHA256:${createHash("sha256").update(wire).digest("base64").replace(/=+$/, "")}`,
  };
}

/** Reads an RSA key from PEM; throws for any other kind of key. */
export function parseRsaKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType === "rsa") return key;
  throw new Error(`the stand-in for pulumi-resource-tls has RSA keys only, not ${key.asymmetricKeyType ?? "this"}`);
}

/** The public key as SSH sends it (RFC 4253, section 6.6). */
function publicWireFormat(key: KeyObject): Buffer {
  const { e, n } = numbersOf(key);
  return Buffer.concat([chunk("ssh-rsa"), multiPrecision(e), multiPrecision(n)]);
}

/** The private key in OpenSSH's own format (openssh-portable, PROTOCOL.key), unencrypted and without comment. */
function openSshPem(key: KeyObject): string {
  const { n, e, d, qi, p, q } = numbersOf(key);
  const check = randomBytes(4);
  const numbers = [n, e, d, qi, p, q].map(multiPrecision);
  const secrets = Buffer.concat([check, check, chunk("ssh-rsa"), ...numbers, chunk("")]);
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    chunk("none"),
    chunk("none"),
    chunk(""),
    uint32(1),
    chunk(publicWireFormat(key)),
    chunk(padded(secrets)),
  ]);
  const lines = body.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}

/** Filled up to a multiple of the cipher's block, 8 bytes, with 1, 2, 3, … */
function padded(bytes: Buffer): Buffer {
  const missing = (8 - (bytes.length % 8)) % 8;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}

type RsaNumbers = Record<"n" | "e" | "d" | "qi" | "p" | "q", Buffer>;

function numbersOf(key: KeyObject): RsaNumbers {
  const jwk = key.export({ format: "jwk" }) as Record<string, string>;
  const number = (name: string): Buffer => Buffer.from(jwk[name] ?? "", "base64url");
  return { n: number("n"), e: number("e"), d: number("d"), qi: number("qi"), p: number("p"), q: number("q") };
}

/** A number with its length; a leading zero keeps it positive (RFC 4251, section 5, `mpint`). */
function multiPrecision(bytes: Buffer): Buffer {
  const first = bytes[0] ?? 0;
  return chunk(first >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

function chunk(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
