import "reflect-metadata"; // @peculiar/x509 wants it loaded before itself
import { generateKeyPairSync, randomBytes, webcrypto } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as x509 from "@peculiar/x509";
import { filesOf } from "./state.ts";

const years = 10;
const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" };
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };

x509.cryptoProvider.set(webcrypto);

interface Issuer {
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

/**
 * Makes the sandbox's PKI: one authority and the certificates of etcd, the API server and the gateway, all for
 * loopback, as `<name>.crt` and `<name>.key` (PEM), and the key pair that signs service accounts' tokens. The
 * authority's key is dropped: nothing is issued later.
 */
export async function makeCertificates(dir: string): Promise<void> {
  const files = filesOf(dir);
  await mkdir(dirname(files.ca), { recursive: true, mode: 0o700 });
  const authority: Issuer = { name: "CN=onload-kmm sandbox", keys: await newKeys() };
  await writeFile(files.ca, (await selfSigned(authority)).toString("pem"));
  const servers = [
    // etcd's JSON gateway dials etcd itself with the server's certificate, so it serves clients too.
    { name: "etcd", hosts: ["localhost"] },
    { name: "kube-apiserver", hosts: ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"] },
    { name: "gateway", hosts: ["localhost"] },
  ];
  for (const { name, hosts } of servers) {
    const keys = await newKeys();
    const certificate = await issue(authority, name, hosts, keys.publicKey);
    await writeFile(files.pki(`${name}.crt`), certificate.toString("pem"));
    await writePrivate(files.pki(`${name}.key`), await privatePem(keys));
  }
  await makeServiceAccountKeys(files.pki("service-accounts.key"), files.pki("service-accounts.pub"));
}

/** A certificate for loopback that nobody but its own key has signed, as a BMC makes one for itself; PEMs. */
export async function selfSignedServer(commonName: string): Promise<{ certificate: string; key: string }> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    serialNumber: serialNumber(),
    ...validity(),
    keys,
    signingAlgorithm,
  });
  return { certificate: certificate.toString("pem"), key: await privatePem(keys) };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + years * 365 * 86_400_000) };
}

function selfSigned(authority: Issuer): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.createSelfSigned({
    name: authority.name,
    serialNumber: serialNumber(),
    ...validity(),
    keys: authority.keys,
    signingAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
}

function issue(
  authority: Issuer,
  name: string,
  hosts: readonly string[],
  publicKey: webcrypto.CryptoKey,
): Promise<x509.X509Certificate> {
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const names = [
    ...hosts.map((value) => ({ type: "dns" as const, value })),
    { type: "ip" as const, value: "127.0.0.1" },
  ];
  return x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: authority.name,
    serialNumber: serialNumber(),
    ...validity(),
    publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
      new x509.SubjectAlternativeNameExtension(names),
    ],
  });
}

/** Positive, as RFC 5280 wants it. */
function serialNumber(): string {
  return `01${randomBytes(15).toString("hex")}`;
}

async function privatePem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
}

async function makeServiceAccountKeys(privateFile: string, publicFile: string): Promise<void> {
  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await writePrivate(privateFile, pair.privateKey);
  await writeFile(publicFile, pair.publicKey);
}

function writePrivate(file: string, text: string): Promise<void> {
  return writeFile(file, text, { mode: 0o600 });
}
