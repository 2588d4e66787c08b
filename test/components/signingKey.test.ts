import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { SigningKey, type SigningKeyArgs } from "../../components/signingKey.ts";
import { rsaPair } from "../core/configuration/pems.ts";
import { inputOf, leaks, mentions, ownsOnStack, valueOf } from "./fixtures.ts";
import { named, record, unknown, type RecordOptions, type Registration } from "./harness.ts";

const pair = await rsaPair();
const fingerprint = new X509Certificate(pair.certificate).fingerprint256;
const suffix = fingerprint.replaceAll(":", "").slice(0, 12).toLowerCase();
/** A line from the middle of the key: what must not be seen anywhere. */
const keyLine = pair.key.split("\n")[5] ?? assert.fail("no key");

/** What the tls provider answers. */
const outputs: NonNullable<RecordOptions["outputs"]> = ({ type }) => {
  if (type.endsWith(":PrivateKey")) return { privateKeyPem: pair.key, privateKeyOpenssh: pair.key };
  return type.endsWith(":SelfSignedCert") ? { certPem: pair.certificate } : {};
};

const args: SigningKeyArgs = { ...ownsOnStack, namespace: "onload-kmm", subject: "Example Corp", protect: false };
const existing = (): SigningKeyArgs => ({
  ...args,
  existing: { key: pulumi.secret(pair.key), certificate: pair.certificate },
});
const register = (make: () => SigningKeyArgs, options: RecordOptions = {}): Promise<Registration[]> =>
  record(() => new SigningKey("signing", make(), {}), { outputs, ...options });
const types = (all: readonly Registration[]): string[] => all.map(({ type, name }) => `${name} ${type}`);

test("a pair is generated that neither is too short nor ever renews itself", async () => {
  const all = await register(() => args);
  assert.deepEqual(named(all, "signing", ":PrivateKey").inputs, { algorithm: "RSA", rsaBits: 4096 });
  const { privateKeyPem: key, ...certificate } = named(all, "signing", ":SelfSignedCert").inputs;
  assert.deepEqual(key, { secret: pair.key });
  assert.deepEqual(certificate, {
    subject: { commonName: "Example Corp" },
    validityPeriodHours: 876_000,
    earlyRenewalHours: 0,
    allowedUses: ["digital_signature", "code_signing"],
    setSubjectKeyId: true,
    setAuthorityKeyId: true,
  });
});

test("KMM finds the key under `key` and the certificate under `cert`, in Secrets named after the certificate", async () => {
  const all = await register(() => args);
  for (const [data, pem] of Object.entries({ key: pair.key, cert: pair.certificate })) {
    const { inputs, parent } = named(all, `signing-${data}`, ":Secret");
    assert.equal((inputs["metadata"] as { name: string }).name, `onload-signing-${data}-${suffix}`);
    assert.equal((inputs["metadata"] as { namespace: string }).namespace, "onload-kmm");
    assert.deepEqual(inputs["stringData"], { secret: { [data]: pem } });
    assert.equal(parent, "signing");
  }
});

for (const [source, make] of Object.entries({ generated: () => args, existing })) {
  test(`the ${source} private key is a secret in every place it appears`, async () => {
    const all = await register(make);
    assert.deepEqual(leaks(all, keyLine), []);
    // And it does appear, else the line above would say nothing.
    assert.ok(mentions(all, keyLine).includes("signing-key"));
  });

  test(`the ${source} pair's fingerprint and Secrets are known to what comes next`, async () => {
    let signingKey: SigningKey | undefined;
    await record(() => (signingKey = new SigningKey("signing", make(), {})), { outputs });
    const found = pulumi.all([signingKey?.fingerprint, signingKey?.keySecret, signingKey?.certSecret]);
    assert.deepEqual(await valueOf(found), [
      fingerprint,
      `onload-signing-key-${suffix}`,
      `onload-signing-cert-${suffix}`,
    ]);
  });
}

test("an existing pair makes no other one", async () => {
  assert.deepEqual(types(await register(existing)), [
    "signing onload-kmm:index:SigningKey",
    "signing-key kubernetes:core/v1:Secret",
    "signing-cert kubernetes:core/v1:Secret",
    "signing-guard command:local:Command",
  ]);
});

test("only the pair itself can be protected: the Secrets can be made again", async () => {
  const isProtected = (all: Registration[]) => types(all.filter((each) => each.protect));
  assert.deepEqual(isProtected(await register(() => args)), []);
  assert.deepEqual(isProtected(await register(() => ({ ...args, protect: true }))), [
    "signing tls:index/privateKey:PrivateKey",
    "signing tls:index/selfSignedCert:SelfSignedCert",
  ]);
});

test("its guard knows a pair that is protected: it refuses before anything else is deleted", async () => {
  const knows = async (given: () => SigningKeyArgs): Promise<unknown> =>
    (inputOf(await register(given), "signing-guard") as { keyIsProtected: unknown }).keyIsProtected;
  assert.equal(await knows(() => args), false);
  assert.equal(await knows(() => ({ ...args, protect: true })), true);
  // An existing pair is no resource that the engine could protect.
  assert.equal(await knows(() => ({ ...existing(), protect: true })), false);
});

test("before the first `up` the pair and the Secrets' names are unknown, and the preview still shows all", async () => {
  const all = await register(() => args, { preview: true, outputs: () => ({}) });
  assert.equal(all.length, 6);
  const { inputs } = named(all, "signing-key", ":Secret");
  assert.equal((inputs["metadata"] as { name: string }).name, unknown);
  assert.deepEqual(leaks(all, "PRIVATE KEY"), []);
});
