import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { expiryWarnings, signingPairProblems } from "../../../core/configuration/signingPair.ts";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";
import { rsaPair } from "./pems.ts";

const pair = await rsaPair();
const other = await rsaPair();
const short = await rsaPair(1024);
const encrypted = createPrivateKey(pair.key)
  .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" })
  .toString();
const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();

const existing = (signingKey?: string, signingCertificate?: string) =>
  signingPairProblems({ signing: { source: "existing" }, signingKey, signingCertificate });

test("an existing pair that belongs together is taken, expired or not", () => {
  assert.deepEqual(existing(pair.key, pair.certificate), []);
});

test("an expired certificate is a warning, with subject and date; one that is valid is not, nor is none", () => {
  const [warning = "", ...more] = expiryWarnings(pair.certificate, Date.parse("2026-01-01T00:00:00Z"));
  assert.match(
    warning,
    /the certificate of CN=test expired on Jan {2}2 00:00:00 2025 GMT; kernels .* \[OKMM-KEY-EXPIRED\]$/,
  );
  assert.deepEqual(more, []);
  assert.deepEqual(expiryWarnings(pair.certificate, Date.parse("2025-01-01T12:00:00Z")), []);
  assert.deepEqual(expiryWarnings(undefined, Date.now()), []);
});

test("a key in the old PKCS#1 form is taken, too", () => {
  const pkcs1 = createPrivateKey(pair.key).export({ type: "pkcs1", format: "pem" }).toString();
  assert.deepEqual(existing(pkcs1, pair.certificate), []);
});

test("a generated pair needs no input", () => {
  assert.deepEqual(signingPairProblems({ signing: { source: "generated" } }), []);
});

const refused: [what: string, problems: [string, string][], expected: [key: string, text: RegExp][]][] = [
  [
    "no pair at all",
    existing(),
    [
      ["signingKey", /since signing\.source is existing/],
      ["signingCertificate", /since signing\.source is existing/],
    ],
  ],
  ["a key alone", existing(pair.key), [["signingCertificate", /a PEM file's content/]]],
  ["a certificate alone", existing(undefined, pair.certificate), [["signingKey", /a PEM file's content/]]],
  ["another key's certificate", existing(pair.key, other.certificate), [["signingCertificate", /public keys differ/]]],
  ["a short key", existing(short.key, short.certificate), [["signingKey", /2048 bits or more, not RSA of 1024 bits/]]],
  ["an encrypted key", existing(encrypted, pair.certificate), [["signingKey", /an unencrypted private key in PEM/]]],
  [
    "an elliptic key",
    existing(elliptic, pair.certificate),
    [["signingKey", /2048 bits or more, not ec; `openssl req -x509 -newkey rsa:4096 /]],
  ],
  [
    "the two in each other's place",
    existing(pair.certificate, pair.key),
    [
      ["signingKey", /private key in PEM/],
      ["signingCertificate", /BEGIN CERTIFICATE/],
    ],
  ],
  [
    "a key in OpenSSH's format",
    existing(ed25519Key().private, pair.certificate),
    [["signingKey", /not in OpenSSH's own format; `ssh-keygen -p -m PKCS8/]],
  ],
  ["a key in DER or PKCS #12", existing("0\x82\x04", pair.certificate), [["signingKey", /`openssl pkcs12 -in FILE/]]],
  ["a path instead of a PEM", existing("key.pem", pair.certificate), [["signingKey", /private key in PEM/]]],
  [
    "a pair while one is generated",
    signingPairProblems({
      signing: { source: "generated" },
      signingKey: pair.key,
      signingCertificate: pair.certificate,
    }),
    [
      ["signingKey", /no value while signing\.source is generated; set that to existing, or remove this key/],
      ["signingCertificate", /no value while/],
    ],
  ],
];
for (const [what, problems, expected] of refused) {
  test(`${what} is refused, with the reason and without the key`, () => {
    assert.deepEqual(
      problems.map(([key]) => key),
      expected.map(([key]) => key),
    );
    problems.forEach(([, text], index) => assert.match(text, expected[index]?.[1] ?? /^never$/));
    const body = pair.key.split("\n")[1] ?? "";
    assert.ok(!JSON.stringify(problems).includes(body));
  });
}
