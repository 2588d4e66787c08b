import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { ImageFile } from "../registry.ts";

/** Bytes that a signature adds to a module with an RSA key of 2048 bits (measured). */
const SIGNATURE_BYTES = 471;

/**
 * What the kernel's `sign-file sha256 KEY CERTIFICATE FILE` does to a file. Key: PEM, unencrypted; certificate: PEM or
 * DER. Throws an error whose message is what sign-file prints, and then nothing has changed.
 */
export function signFile(key: Buffer, certificate: Buffer, file: ImageFile): ImageFile {
  const privateKey = readKey(key);
  const cert = readCertificate(certificate);
  if (!cert.checkPrivateKey(privateKey))
    throw new Error("error:05800074:x509 certificate routines::key values mismatch");
  const signerFingerprint = createHash("sha256").update(cert.raw).digest("hex");
  const sha256 = createHash("sha256")
    .update(`${file.sha256 ?? ""}${signerFingerprint}`)
    .digest("hex");
  return { ...file, size: (file.size ?? 0) + SIGNATURE_BYTES, sha256, signer: commonName(cert), signerFingerprint };
}

function readKey(bytes: Buffer): KeyObject {
  const text = bytes.toString("latin1");
  if (!text.includes("-----BEGIN "))
    throw new Error("error:1E08010C:DECODER routines::unsupported (the key is not PEM)");
  if (text.includes("ENCRYPTED")) {
    throw new Error(
      "error:0700006C:configuration file routines::no pass phrase (the key is encrypted, and KBUILD_SIGN_PIN is not set)",
    );
  }
  try {
    return createPrivateKey(bytes);
  } catch {
    throw new Error("error:1E08010C:DECODER routines::unsupported (the key cannot be read)");
  }
}

function readCertificate(bytes: Buffer): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch {
    throw new Error("error:0480006C:PEM routines::no start line: Expecting: CERTIFICATE");
  }
}

/** `modinfo -F signer` shows this. */
function commonName(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? "";
}
