import { randomBytes, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { selfSignedServer } from "../controlPlane/certificates.ts";

/** What the sandbox's BMCs are reached with: `<stateDir>/bmc.json`, readable by this user alone. */
export interface BmcIdentity {
  /** On 127.0.0.1. */
  readonly port: number;
  /** SHA-256 over the certificate's DER, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
  readonly user: string;
  readonly password: string;
  /** PEMs. */
  readonly certificate: string;
  readonly key: string;
}

const fileIn = (stateDir: string): string => join(stateDir, "bmc.json");

/** Undefined before the first start. */
export function readBmc(stateDir: string): BmcIdentity | undefined {
  const file = fileIn(stateDir);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as BmcIdentity) : undefined;
}

export function writeBmc(stateDir: string, identity: BmcIdentity): void {
  writeFileSync(fileIn(stateDir), JSON.stringify(identity, null, 2), { mode: 0o600 });
}

/** A new one; its server chooses the port. */
export async function newBmc(): Promise<Omit<BmcIdentity, "port">> {
  const { certificate, key } = await selfSignedServer("sandbox BMC");
  return {
    fingerprint: new X509Certificate(certificate).fingerprint256,
    user: "admin",
    password: randomBytes(15).toString("base64url"),
    certificate,
    key,
  };
}
