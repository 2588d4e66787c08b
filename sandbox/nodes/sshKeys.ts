import { createHash, createPrivateKey, generateKeyPairSync, type webcrypto } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The host key of a sandbox node, in OpenSSH's private format. It follows from the node's name, so that the public
 * half can stand in Pulumi.dev.yaml; it guards a model of a machine on loopback, and nothing else.
 */
export function hostKeyOf(name: string): { privatePem: string; publicKey: string } {
  const seed = createHash("sha256").update(`onload-kmm sandbox host key of ${name}`).digest();
  // PKCS #8 for Ed25519 (RFC 8410, section 7) is this prefix and the 32 bytes of the seed.
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return openSsh(createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "jwk" }));
}

/** Makes the key pair of user `core`, unless it is there; answers the public key's line. */
export function ensureClientKey(stateDir: string): string {
  const file = join(stateDir, "ssh", "id_ed25519");
  if (!existsSync(file)) {
    mkdirSync(join(stateDir, "ssh"), { recursive: true, mode: 0o700 });
    const { privatePem, publicKey } = openSsh(generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }));
    writeFileSync(`${file}.pub`, `${publicKey} core@sandbox\n`);
    writeFileSync(file, privatePem, { mode: 0o600 });
  }
  return readFileSync(`${file}.pub`, "utf8").trim();
}

/** An Ed25519 key from its JSON Web Key to OpenSSH's own formats (PROTOCOL.key in OpenSSH's source). */
function openSsh(jwk: webcrypto.JsonWebKey): { privatePem: string; publicKey: string } {
  const pub = Buffer.from(jwk.x ?? "", "base64url");
  const secret = Buffer.from(jwk.d ?? "", "base64url");
  const field = (value: Buffer | string): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([field("ssh-ed25519"), field(pub)]);
  // Two equal numbers tell a reader that it decrypted rightly; here nothing is encrypted.
  const check = createHash("sha256").update(pub).digest().subarray(0, 4);
  const inner = Buffer.concat([check, check, blob, field(Buffer.concat([secret, pub])), field("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, index) => index + 1));
  const count = Buffer.from([0, 0, 0, 1]);
  const header = [Buffer.from("openssh-key-v1\0"), field("none"), field("none"), field(""), count, field(blob)];
  const base64 = Buffer.concat([...header, field(Buffer.concat([inner, padding]))]).toString("base64");
  const lines = base64.match(/.{1,70}/g) ?? [];
  const privatePem = ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join(
    "\n",
  );
  return { privatePem, publicKey: `ssh-ed25519 ${blob.toString("base64")}` };
}
