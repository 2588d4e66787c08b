import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";
import { keyChange, keyOf } from "../../core/configuration/keyChange.ts";
import { expiryWarnings, signingPairProblems } from "../../core/configuration/signingPair.ts";
import { shown } from "../../core/configuration/remedies.ts";
import { told } from "../../core/errors.ts";
import { counterpart, fingerprint, hostKeyTypes, parseHostKeys, shownKey } from "../../core/node/hostKey.ts";
import { readingOf } from "../../core/node/hostKeyPod.ts";
import { certificateInput } from "../../core/node/nodeTool.ts";
import { privateKeyProblem } from "../../steps/node/sshKey.ts";
import { rsaPair } from "../core/configuration/pems.ts";
import { assertShowable, assertTold, hostile } from "./hostile.ts";
import { damagedJson, damagedText } from "./inputs.ts";

const [pair, other] = await Promise.all([rsaPair(), rsaPair()]);
const ssh = ed25519Key();

/** Whether any part of a key's text is in a message. */
function assertNothingOf(secret: string, message: string): void {
  const lines = secret.split("\n").filter((line) => line.length > 20 && !line.startsWith("-----"));
  for (const line of lines) assert.ok(!message.includes(line.slice(4, 20)), message.slice(0, 300));
}

const pems = fc.tuple(
  fc.oneof(fc.constant(pair.key), damagedText(pair.key, other.key, pair.key + pair.certificate)),
  fc.oneof(fc.constant(pair.certificate), damagedText(pair.certificate, pair.certificate + other.certificate)),
);
hostile("signing pair", pems, ([signingKey, signingCertificate]) => {
  const problems = signingPairProblems({ signing: { source: "existing" }, signingKey, signingCertificate });
  for (const [, problem] of problems) {
    assertShowable(problem, 1000);
    assertNothingOf(pair.key, problem);
  }
  assertShowable(shown(signingCertificate), 2000);
  assertNothingOf(pair.key, shown(signingKey));
  if (problems.length > 0) return;
  const certificate = new X509Certificate(signingCertificate);
  assert.ok(certificate.checkPrivateKey(createPrivateKey(signingKey)));
  for (const warning of expiryWarnings(signingCertificate, Date.now())) assertTold(warning, 2000);
});

const wrapped = [
  pair.certificate,
  `Bag Attributes\n    friendlyName: mine\nsubject=CN = test\n${pair.certificate}`,
  `${pair.certificate}${other.certificate}`,
  `${pair.key}${pair.certificate}`,
  pair.certificate.replaceAll("\n", "\r\n"),
];
const wanted = { signing: { subject: "another" }, enrolment: { mode: "attended" }, nodes: [] } as const;
hostile("certificate for a node", fc.oneof(fc.constantFrom(...wrapped), damagedText(...wrapped)), (pem) => {
  const line = certificateInput(pem);
  assert.doesNotMatch(line, /\s|-/);
  assert.ok(["kept", "first", "another"].includes(keyOf(wanted, pem)));
  assert.deepEqual(keyChange(wanted, { certificate: pem, nodes: [] }), []);
  if (!wrapped.includes(pem)) return;
  const { fingerprint256 } = new X509Certificate(Buffer.from(line, "base64"));
  assert.equal(fingerprint256, new X509Certificate(pem).fingerprint256);
});

test("of a chain and of a PEM with words around it the first certificate goes to the node", () => {
  for (const pem of wrapped)
    assert.equal(certificateInput(pem), new X509Certificate(pair.certificate).raw.toString("base64"));
});

hostile("SSH key", damagedText(ssh.private, pair.key, ssh.public), (text) => {
  const problem = privateKeyProblem(text);
  if (problem === undefined) return;
  assertNothingOf(ssh.private, problem);
  assertNothingOf(pair.key, problem);
  assertTold(told("OKMM-SSH-KEY", problem), 2000);
});

const publicKeys = hostKeyTypes
  .map((type) => `${type} AAAAC3NzaC1lZDI1NTE5AAAAIPFLzwBSLxnEUDoL8AiL5Lxp root@node\n`)
  .join("");
const pod = {
  metadata: { name: "host-keys-0" },
  spec: { nodeName: "worker-0" },
  status: { phase: "Running", containerStatuses: [{ state: { terminated: { exitCode: 0, message: publicKeys } } }] },
};
hostile("host keys", fc.tuple(damagedText(publicKeys), damagedJson(pod)), ([text, damaged]) => {
  const keys = parseHostKeys(text);
  for (const key of keys) {
    assert.match(key, /^[a-z0-9-]+ [A-Za-z0-9+/]+={0,2}$/);
    assert.ok(text.includes(key));
    assert.match(fingerprint(key), /^SHA256:[A-Za-z0-9+/]{43}$/);
    assertShowable(shownKey(key), 100);
    assert.equal(counterpart(key, keys)?.split(" ")[0], key.split(" ")[0]);
  }
  if (!isPod(damaged)) return;
  const reading = readingOf(damaged);
  assert.ok("text" in reading || "failed" in reading || "waiting" in reading);
});

/** What the API server vouches for: strings are strings, where they are. */
const reader = z.looseObject({
  status: z.looseObject({
    containerStatuses: z
      .array(
        z.looseObject({
          state: z.looseObject({ terminated: z.looseObject({ message: z.string().optional() }).optional() }).optional(),
        }),
      )
      .optional(),
  }),
});
const isPod = (value: unknown): value is typeof pod => reader.safeParse(value).success;

test("a readable text gives all its keys, the best first", () => {
  assert.deepEqual(
    parseHostKeys(publicKeys).map((key) => key.split(" ")[0]),
    [...hostKeyTypes],
  );
});
