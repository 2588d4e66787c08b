import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import ssh2 from "ssh2";
import { type PropertyMap, reveal, revealAll, secret, textOf, UNKNOWN } from "../../plugins/core/values.ts";
import { asStored, comparable } from "./comparable.ts";
import { ProviderClient, type ResourceName, type StoredResource } from "./providerClient.ts";
import { recorded } from "./recorded.ts";

const KEY: ResourceName = { type: "tls:index/privateKey:PrivateKey", name: "key" };
const CERT: ResourceName = { type: "tls:index/selfSignedCert:SelfSignedCert", name: "cert" };

const KEY_VOLATILE = {
  id: /^[0-9a-f]{40}$/,
  publicKeyFingerprintMd5: /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/,
  publicKeyFingerprintSha256: /^SHA256:[A-Za-z0-9+/]{43}$/,
  publicKeyOpenssh: /^ssh-rsa [A-Za-z0-9+/]+=*\n$/,
};

const CERT_VOLATILE = {
  id: /^\d{1,39}$/,
  validityStartTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/,
  validityEndTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/,
};

describe("the tls provider", () => {
  let provider: ProviderClient;
  let key: StoredResource;

  before(async () => {
    provider = await ProviderClient.start("tls");
    key = await provider.make(KEY, recorded(KEY.type).inputs);
  });
  after(() => provider.stop());

  const certificateInputs = (changes: PropertyMap = {}): PropertyMap => ({
    ...recorded(CERT.type).inputs,
    privateKeyPem: key.outputs["privateKeyPem"] ?? null,
    ...changes,
  });

  test("PrivateKey: stores what the real plugin stored", () => {
    const real = recorded(KEY.type);
    assert.deepEqual(key.inputs, real.inputs);
    assert.match(real.id, KEY_VOLATILE.id);
    const stored = asStored(key.outputs, real.additionalSecretOutputs);
    assert.deepEqual(comparable(stored, KEY_VOLATILE), comparable(real.outputs, KEY_VOLATILE));
    assert.equal(key.id, key.outputs["id"]);
  });

  test("PrivateKey: all forms are of one key", () => {
    const forms = revealAll(key.outputs);
    const spki = (pem: string): Buffer => createPublicKey(pem).export({ type: "spki", format: "der" });
    const expected = spki(textOf(forms["publicKeyPem"]));
    assert.deepEqual(spki(textOf(forms["privateKeyPem"])), expected);
    assert.deepEqual(spki(textOf(forms["privateKeyPemPkcs8"])), expected);
    assert.match(
      textOf(forms["privateKeyPem"]),
      /^-----BEGIN RSA PRIVATE KEY-----\n[\s\S]+-----END RSA PRIVATE KEY-----\n$/,
    );
    const parsed = ssh2.utils.parseKey(textOf(forms["privateKeyOpenssh"]));
    assert.ok(!(parsed instanceof Error));
    assert.deepEqual(spki(parsed.getPublicPEM()), expected);
    assert.equal(`ssh-rsa ${parsed.getPublicSSH().toString("base64")}\n`, forms["publicKeyOpenssh"]);
    assert.equal(createHash("sha1").update(expected).digest("hex"), key.id);
    assert.equal(createPrivateKey(textOf(forms["privateKeyPem"])).asymmetricKeyDetails?.modulusLength, 2048);
  });

  test("PrivateKey: a changed size replaces, a default spelt out doesn't", async () => {
    const bigger = await provider.diff(KEY, key, { algorithm: "RSA", rsaBits: 4096 });
    assert.deepEqual([bigger.changed, bigger.replaces], [true, ["rsaBits"]]);
    const same = await provider.diff(KEY, key, { algorithm: "RSA", ecdsaCurve: "P224" });
    assert.deepEqual([same.changed, same.replaces], [false, []]);
  });

  test("PrivateKey: a preview makes no key, and its secrets are secret already", async () => {
    const { id, outputs } = await provider.create(KEY, { algorithm: "RSA" }, { preview: true });
    assert.equal(id, "");
    assert.deepEqual(outputs["privateKeyPem"], secret(UNKNOWN));
    assert.deepEqual([outputs["publicKeyPem"], outputs["rsaBits"]], [UNKNOWN, 2048]);
  });

  test("PrivateKey: refuses other algorithms by name", async () => {
    const { failures } = await provider.check(KEY, { algorithm: "ED25519", colour: "red" });
    assert.deepEqual(failures, [
      "colour: the stand-in has no such input",
      "algorithm: the stand-in for pulumi-resource-tls has RSA keys only",
    ]);
    await assert.rejects(provider.check({ type: "tls:index/certRequest:CertRequest", name: "r" }, {}), {
      message: /has no resource type tls:index\/certRequest:CertRequest/,
    });
  });

  test("SelfSignedCert: stores what the real plugin stored", async () => {
    const real = recorded(CERT.type);
    const checked = await provider.check(CERT, certificateInputs());
    assert.deepEqual(checked.failures, []);
    assert.deepEqual(comparable(checked.inputs), comparable(real.inputs));
    const cert = await provider.create(CERT, checked.inputs);
    const stored = asStored(cert.outputs, real.additionalSecretOutputs);
    assert.deepEqual(comparable(stored, CERT_VOLATILE), comparable(real.outputs, CERT_VOLATILE));
  });

  test("SelfSignedCert: the certificate says what was asked for", async () => {
    const subject = {
      commonName: "OnloadModule",
      organization: "Example",
      country: "DE",
      emailAddress: "a@example.org",
    };
    const cert = await provider.make(CERT, certificateInputs({ subject }));
    const x509 = new X509Certificate(textOf(cert.outputs["certPem"]));
    assert.equal(x509.subject, "C=DE\nO=Example\nCN=OnloadModule\nemailAddress=a@example.org");
    assert.equal(x509.issuer, x509.subject);
    assert.equal(BigInt(`0x${x509.serialNumber}`).toString(), cert.id);
    assert.deepEqual(x509.keyUsage, ["1.3.6.1.5.5.7.3.3"]);
    assert.equal(x509.ca, false);
    assert.ok(x509.verify(x509.publicKey));
    assert.ok(x509.checkPrivateKey(createPrivateKey(textOf(reveal(key.outputs["privateKeyPem"] ?? null)))));
    const hours = (Date.parse(x509.validTo) - Date.parse(x509.validFrom)) / 3_600_000;
    assert.equal(hours, 876_000);
  });

  test("SelfSignedCert: the id is the serial number, whatever its first bit", async () => {
    for (let round = 0; round < 12; round++) {
      const cert = await provider.make(CERT, certificateInputs());
      const serial = new X509Certificate(textOf(cert.outputs["certPem"])).serialNumber;
      assert.equal(BigInt(`0x${serial}`).toString(), cert.id);
    }
  });

  test("SelfSignedCert: only earlyRenewalHours changes in place", async () => {
    const cert = await provider.make(CERT, certificateInputs());
    const early = await provider.diff(CERT, cert, certificateInputs({ earlyRenewalHours: 5 }));
    assert.deepEqual([early.changed, early.replaces], [true, []]);
    const updated = await provider.update(CERT, cert, certificateInputs({ earlyRenewalHours: 5 }));
    assert.deepEqual(updated.outputs, { ...cert.outputs, earlyRenewalHours: 5 });
    for (const change of [{ validityPeriodHours: 1 }, { subject: { commonName: "x" } }, { setSubjectKeyId: false }]) {
      const diff = await provider.diff(CERT, cert, certificateInputs(change));
      assert.deepEqual(diff.replaces, Object.keys(change));
    }
    assert.equal((await provider.diff(CERT, cert, certificateInputs())).changed, false);
  });

  test("SelfSignedCert: is replaced when its renewal is due, and says so in a refresh", async () => {
    const inputs = certificateInputs({ validityPeriodHours: 2, earlyRenewalHours: 3 });
    const due = await provider.make(CERT, inputs);
    assert.deepEqual((await provider.diff(CERT, due, inputs)).replaces, ["readyForRenewal"]);
    assert.equal((await provider.read(CERT, due))?.outputs["readyForRenewal"], true);
    const fresh = await provider.make(CERT, certificateInputs({ validityPeriodHours: 2 }));
    assert.deepEqual(await provider.read(CERT, fresh), fresh);
  });

  test("SelfSignedCert: refuses by name what it doesn't do", async () => {
    const changes = { allowedUses: ["digital_signature", "flying"], dnsNames: ["a"], subject: { nickname: "x" } };
    const { failures } = await provider.check(CERT, certificateInputs(changes));
    assert.deepEqual(failures.sort(), [
      'allowedUses: "flying" is not a key usage',
      "dnsNames: the stand-in has no such input",
      "subject.nickname: the stand-in has no such input",
    ]);
    const elliptic = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }).private;
    await assert.rejects(provider.make(CERT, certificateInputs({ privateKeyPem: elliptic })));
  });
});
