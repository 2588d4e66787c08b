import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { issueCertificate } from "@onload-kmm/sandbox/plugins/tls/certificate";

/** An RSA key and its self-signed certificate, in PEM. */
export interface Pair {
  readonly key: string;
  readonly certificate: string;
}

/** Makes a pair; `bits` is the modulus' length. */
export async function rsaPair(bits = 2048): Promise<Pair> {
  const { privateKey: key } = generateKeyPairSync("rsa", {
    modulusLength: bits,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const { pem: certificate } = await issueCertificate({
    key: createPrivateKey(key),
    subject: [{ CN: ["test"] }],
    allowedUses: ["digital_signature"],
    notBefore: new Date("2025-01-01T00:00:00Z"),
    // Long over: module signatures don't expire.
    notAfter: new Date("2025-01-02T00:00:00Z"),
    setSubjectKeyId: true,
    setAuthorityKeyId: true,
  });
  return { key, certificate };
}
