/** Keys, certificates and signatures as the program makes them, by the host's openssl and the kernel's sign-file. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { command } from "./command.ts";

/** A signing key on disk and its certificate. */
export interface SigningPair {
  commonName: string;
  /** PEM file. */
  keyFile: string;
  /** DER file. */
  certificateFile: string;
  certificate: X509Certificate;
}

/** Makes a key and a self-signed certificate for code signing in `directory`. */
export async function makeSigningPair(directory: string, commonName: string): Promise<SigningPair> {
  const keyFile = path.join(directory, `${commonName}.key`);
  const certificateFile = path.join(directory, `${commonName}.der`);
  await command("openssl", [
    ...["req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", `/CN=${commonName}`],
    // A fixed serial number: MokManager shows it, and its length decides where.
    ...["-set_serial", "0x4f6e6c6f6164204b4d4d20746573742072756e21"],
    ...["-addext", "extendedKeyUsage=codeSigning", "-keyout", keyFile, "-outform", "DER", "-out", certificateFile],
  ]);
  return { commonName, keyFile, certificateFile, certificate: new X509Certificate(await readFile(certificateFile)) };
}

/** Signs a kernel module in place, with the sign-file of that kernel's build tree. */
export async function signModule(kernelTree: string, pair: SigningPair, module: string): Promise<void> {
  const signFile = path.join(kernelTree, "scripts/sign-file");
  await command(signFile, ["sha256", pair.keyFile, pair.certificateFile, module]);
}
