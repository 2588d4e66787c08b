/** A self-signed certificate, with the fields and in the order that Go's `x509.CreateCertificate` writes them. */
import "reflect-metadata";
import { createHash, createPublicKey, type KeyObject, randomBytes, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  ExtendedKeyUsageExtension,
  type JsonName,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { EXTENDED_KEY_USAGES, KEY_USAGES } from "./keyUsages.ts";

/** What goes into the certificate. */
export interface CertificateRequest {
  key: KeyObject;
  subject: JsonName;
  allowedUses: string[];
  notBefore: Date;
  notAfter: Date;
  setSubjectKeyId: boolean;
  setAuthorityKeyId: boolean;
}

/** The certificate; the serial number is decimal, the PEM ends with a newline. */
export interface IssuedCertificate {
  serialNumber: string;
  pem: string;
}

const SIGNING = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** Issues and signs the certificate. */
export async function issueCertificate(request: CertificateRequest): Promise<IssuedCertificate> {
  const serialNumber = randomBytes(16).toString("hex");
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: request.subject,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    signingAlgorithm: SIGNING,
    keys: await keyPairOf(request.key),
    extensions: extensionsOf(request),
  });
  return { serialNumber: BigInt(`0x${serialNumber}`).toString(), pem: `${certificate.toString("pem").trim()}\n` };
}

async function keyPairOf(key: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const { subtle } = webcrypto;
  const privateDer = key.export({ type: "pkcs8", format: "der" });
  const publicDer = createPublicKey(key).export({ type: "spki", format: "der" });
  return {
    privateKey: await subtle.importKey("pkcs8", privateDer, SIGNING, false, ["sign"]),
    publicKey: await subtle.importKey("spki", publicDer, SIGNING, true, ["verify"]),
  };
}

function extensionsOf(request: CertificateRequest): Extension[] {
  const flags = request.allowedUses.map((use) => KEY_USAGES[use] ?? 0).reduce((all, flag) => all | flag, 0);
  const extended = request.allowedUses.map((use) => EXTENDED_KEY_USAGES[use]).filter((oid) => oid !== undefined);
  const keyId = subjectKeyId(request.key);
  return [
    ...(flags === 0 ? [] : [new KeyUsagesExtension(flags, true)]),
    ...(extended.length === 0 ? [] : [new ExtendedKeyUsageExtension(extended)]),
    new BasicConstraintsExtension(false, undefined, true),
    ...(request.setSubjectKeyId ? [new SubjectKeyIdentifierExtension(keyId)] : []),
    ...(request.setAuthorityKeyId ? [new AuthorityKeyIdentifierExtension(keyId)] : []),
  ];
}

/** SHA-1 of the public key's PKCS#1 form (RFC 5280, section 4.2.1.2, method 1). */
function subjectKeyId(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: "pkcs1", format: "der" });
  return createHash("sha1").update(der).digest("hex");
}
