import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { told, type Told } from "../errors.ts";
import type { SigningSource } from "./choices.ts";

/** Smallest RSA modulus that kernels and auditors accept today, in bits. */
const leastBits = 2048;

interface SigningChoice {
  readonly signing: { readonly source: SigningSource };
  readonly signingKey?: string | undefined;
  readonly signingCertificate?: string | undefined;
}

/**
 * Checks that an existing key pair is given when, and only when, it is asked for, that both parts are readable and
 * belong together.
 *
 * @returns configuration key and what was expected, for each problem; never a part of the key
 */
export function signingPairProblems(choice: SigningChoice): [key: string, problem: string][] {
  const { signingKey, signingCertificate } = choice;
  if (choice.signing.source === "generated") {
    return Object.entries({ signingKey, signingCertificate })
      .filter(([, value]) => value !== undefined)
      .map(([key]) => [key, "no value while signing.source is generated; set that to existing, or remove this key"]);
  }
  const missing = Object.entries({ signingKey, signingCertificate }).filter(([, value]) => value === undefined);
  if (signingKey === undefined || signingCertificate === undefined) {
    return missing.map(([key]) => [key, "a PEM file's content, since signing.source is existing"]);
  }
  return pairProblems(signingKey, signingCertificate);
}

function pairProblems(keyPem: string, certificatePem: string): [string, string][] {
  const key = attempt(() => createPrivateKey(keyPem));
  const certificate = attempt(() => new X509Certificate(certificatePem));
  const problems: [string, string][] = [];
  const unfit = key === undefined ? unreadableKey(keyPem) : keyProblem(key);
  if (unfit !== undefined) problems.push(["signingKey", unfit]);
  if (certificate === undefined) {
    problems.push([
      "signingCertificate",
      "a certificate in PEM (-----BEGIN CERTIFICATE-----), the file's content and not its path; " +
        "`openssl x509 -inform DER -in CERT -out PEM` makes it of a .der",
    ]);
    // Another key needs another certificate in any case.
  } else if (key !== undefined && unfit === undefined && !certificate.checkPrivateKey(key)) {
    problems.push([
      "signingCertificate",
      "the certificate of signingKey: their public keys differ; `openssl x509 -noout -pubkey -in CERT` and " +
        "`openssl pkey -pubout -in KEY` print the same for a pair",
    ]);
  }
  return problems;
}

/** What was expected of a key that can't be read, by what its PEM says that it is. */
function unreadableKey(pem: string): string {
  const wanted = "an unencrypted private key in PEM";
  if (/-----BEGIN (CERTIFICATE|(\w+ )?PUBLIC KEY)-----/.test(pem)) return `${wanted}, not the public part of one`;
  if (/-----BEGIN OPENSSH PRIVATE KEY-----/.test(pem)) {
    return `${wanted}, not in OpenSSH's own format; \`ssh-keygen -p -m PKCS8 -N "" -f KEY\` rewrites it`;
  }
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    return `${wanted}: KMM's sign-file can't ask for a passphrase; \`openssl pkey -in KEY -out PLAIN\` takes it off`;
  }
  return (
    `${wanted}, the file's content and not its path; \`openssl pkey -inform DER -in KEY -out PEM\` makes it of a .der, ` +
    "`openssl pkcs12 -in FILE -nocerts -noenc -out PEM` of a .p12"
  );
}

/**
 * What somebody should know of an existing certificate's date: the kernel doesn't look at it, auditors do.
 *
 * @param now milliseconds since 1970
 */
export function expiryWarnings(certificate: string | undefined, now: number): Told[] {
  if (certificate === undefined) return [];
  const { validTo, subject } = new X509Certificate(certificate);
  if (Date.parse(validTo) > now) return [];
  const text = `onload-kmm:signingCertificate: the certificate of ${subject.replaceAll("\n", ", ")} expired on ${validTo}; kernels don't look at the date, so nothing breaks; auditors may`;
  return [told("OKMM-KEY-EXPIRED", text)];
}

function keyProblem(key: KeyObject): string | undefined {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType === "rsa" && bits >= leastBits) return undefined;
  const found = key.asymmetricKeyType === "rsa" ? `RSA of ${bits} bits` : (key.asymmetricKeyType ?? "another kind");
  return (
    `an RSA key of ${leastBits} bits or more, not ${found}; ` +
    "`openssl req -x509 -newkey rsa:4096 -noenc -days 3650 -subj /CN=NAME -keyout KEY -out CERT` makes a pair"
  );
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
