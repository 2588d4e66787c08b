import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { refusal } from "@onload-kmm/sandbox/redfish/service";
import { StepError } from "../../../steps/lib/step.ts";
import { rsaPair } from "../../core/configuration/pems.ts";
import { Bmc, credentials } from "./bmc.ts";

const [ours, another, third] = (await Promise.all([rsaPair(), rsaPair(), rsaPair()])).map(({ certificate }) =>
  new X509Certificate(certificate).toString(),
) as [string, string, string];

const databases = "/redfish/v1/Systems/worker-1/SecureBoot/SecureBootDatabases";
const certificates = `${databases}/db/Certificates`;

/** A refusal that a person can fix; the password is in none. */
const refusedWith = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StepError, String(error));
  assert.match(error.message, /^worker-1: BMC at https:\/\/127\.0\.0\.1:\d+: /);
  assert.match(error.message, message);
  assert.ok(!error.message.includes(credentials.password));
  return true;
};

test("a certificate that isn't there is added, and the others stay", async (t) => {
  const bmc = await Bmc.start(t, another, third);
  assert.equal(await bmc.database(t, ours).add(), "asked");
  assert.deepEqual(bmc.db, [another, third, ours]);
  assert.deepEqual(bmc.changes, [`POST ${certificates}`]);
});

test("a certificate that is there already is not added again", async (t) => {
  const bmc = await Bmc.start(t, another, ours);
  const database = bmc.database(t, ours);
  assert.equal(await database.lists(), true);
  assert.equal(await database.add(), "listed");
  assert.deepEqual(bmc.changes, []);
});

test("a certificate of the same name, but of another key, is another", async (t) => {
  const bmc = await Bmc.start(t, another);
  assert.equal(new X509Certificate(another).subject, new X509Certificate(ours).subject);
  assert.equal(await bmc.database(t, ours).lists(), false);
});

test("only ours is removed, wherever it stands and however often", async (t) => {
  const bmc = await Bmc.start(t, another, ours, third);
  const database = bmc.database(t, ours);
  assert.equal(await database.remove(), true);
  assert.deepEqual(bmc.db, [another, third]);
  assert.equal(await database.remove(), false);
  assert.deepEqual(bmc.changes, [`DELETE ${certificates}/2`]);
});

test("a BMC that shows fingerprints in the place of certificates is understood", async (t) => {
  const digest = (pem: string) => createHash("sha384").update(new X509Certificate(pem).raw).digest("hex").toUpperCase();
  const shown = (pem: string) => ({
    status: 200,
    body: { CertificateString: "", Fingerprint: digest(pem), FingerprintHashAlgorithm: "TPM_ALG_SHA384" },
  });
  const bmc = await Bmc.start(t, another, ours);
  bmc.faults.push([/GET .*\/1$/, shown(another)], [/GET .*\/2$/, shown(ours)]);
  assert.equal(await bmc.database(t, ours).lists(), true);
  // One that shows nothing of itself is nobody's to remove.
  bmc.faults.push([/GET .*\/1$/, { status: 200, body: {} }], [/GET .*\/2$/, { status: 200, body: {} }]);
  assert.equal(await bmc.database(t, ours).remove(), false);
});

test("a list in several pages is read to its end", async (t) => {
  const bmc = await Bmc.start(t, another, ours);
  const page = (number: number, next?: string) => ({
    status: 200,
    body: {
      Members: [{ "@odata.id": `${certificates}/${number}` }],
      ...(next !== undefined && { "Members@odata.nextLink": next }),
    },
  });
  bmc.faults.push([/Certificates$/, page(1, `${certificates}?$skip=1`)], [/Certificates$/, page(2)]);
  assert.equal(await bmc.database(t, ours).lists(), true);
});

test("a server with another certificate than the pinned one is sent nothing", async (t) => {
  const bmc = await Bmc.start(t);
  const access = { ...bmc.access, fingerprint: "0".repeat(64) };
  await assert.rejects(
    bmc.database(t, ours, { access }).add(),
    refusedWith(/fingerprint is ([0-9A-F]{2}:){31}.. \(SHA-256\), which isn't the configured one; nothing was sent/),
  );
  assert.deepEqual(bmc.asked, []);
});

test("a fingerprint counts in any notation", async (t) => {
  const bmc = await Bmc.start(t);
  const fingerprint = bmc.access.fingerprint.replaceAll(":", "").toLowerCase();
  assert.equal(await bmc.database(t, ours, { access: { ...bmc.access, fingerprint } }).add(), "asked");
});

test("a wrong password is told by the key that holds it, and not tried again", async (t) => {
  const bmc = await Bmc.start(t);
  const access = { ...bmc.access, password: "wrong" };
  await assert.rejects(
    bmc.database(t, ours, { access }).add(),
    refusedWith(/user admin may not log in \(HTTP 401 .*no valid session.*\); check onload-kmm:bmcCredentials/),
  );
});

test("a user without the privilege is told, with the BMC's own words", async (t) => {
  const bmc = await Bmc.start(t);
  bmc.faults.push([/^POST/, refusal(403, "InsufficientPrivilege", "There are insufficient privileges.")]);
  await assert.rejects(
    bmc.database(t, ours).add(),
    refusedWith(/user admin lacks a privilege \(HTTP 403 .*insufficient privileges\.\)/),
  );
});

test("a BMC without Secure Boot databases says that another mode must do", async (t) => {
  const bmc = await Bmc.start(t);
  bmc.faults.push([/SecureBootDatabases$/, refusal(404, "ResourceMissingAtURI", "not found")]);
  await assert.rejects(bmc.database(t, ours).add(), refusedWith(/isn't there.*choose another enrolment\.mode/));
  bmc.faults.push([/SecureBootDatabases$/, { status: 200, body: { Members: [{ "@odata.id": `${databases}/dbx` }] } }]);
  await assert.rejects(bmc.database(t, ours).add(), refusedWith(/no Secure Boot database "db"; update the BMC/));
  bmc.faults.push([/SecureBoot$/, { status: 200, body: {} }]);
  await assert.rejects(bmc.database(t, ours).add(), refusedWith(/no Secure Boot database "db"/));
  assert.deepEqual(bmc.changes, []);
});

test("a URL that leads to no system is told", async (t) => {
  const bmc = await Bmc.start(t);
  const access = { ...bmc.access, url: bmc.access.url.replace("worker-1", "worker-2") };
  await assert.rejects(
    bmc.database(t, ours, { access }).lists(),
    refusedWith(/Systems\/worker-2 isn't there.*expected a ComputerSystem.*correct the node's bmc\.url/),
  );
});

test("the BMC of another machine is left alone", async (t) => {
  const bmc = await Bmc.start(t);
  const systemUuid = "00000000-0e7a-4b1c-9a53-6c1f0c9d2e11";
  await assert.rejects(
    bmc.database(t, ours, { systemUuid }).add(),
    refusedWith(/the BMC of another machine: system UUID 7d1f3c52-\S+, and the node's is 00000000-\S+; nothing was/),
  );
  assert.deepEqual(bmc.changes, []);
});

test("a UUID in the other byte order is the same machine", async (t) => {
  const bmc = await Bmc.start(t);
  const systemUuid = "523c1f7d-7a0e-1c4b-9a53-6c1f0c9d2e11";
  assert.equal(await bmc.database(t, ours, { systemUuid }).add(), "asked");
});

test("Secure Boot in setup mode is told, for nothing would be verified", async (t) => {
  const bmc = await Bmc.start(t);
  bmc.faults.push([/SecureBoot$/, { status: 200, body: { SecureBootMode: "SetupMode" } }]);
  await assert.rejects(bmc.database(t, ours).add(), refusedWith(/is in SetupMode.*finish its setup first/));
});

for (const [policy, expected] of [
  ["Standard", /SecureBootPolicy is Standard, expected Custom/],
  ["Custom", undefined],
] as const) {
  test(`Dell's policy ${policy} is ${expected === undefined ? "fit" : "told before anything is changed"}`, async (t) => {
    const bmc = await Bmc.start(t);
    const links = {
      SecureBoot: { "@odata.id": "/redfish/v1/Systems/worker-1/SecureBoot" },
      Bios: { "@odata.id": "/redfish/v1/Systems/worker-1/Bios" },
    };
    bmc.faults.push(
      [/worker-1$/, { status: 200, body: links }],
      [/Bios$/, { status: 200, body: { Attributes: { SecureBootPolicy: policy, ProcCores: 8 } } }],
    );
    const adding = bmc.database(t, ours).add();
    if (expected === undefined) assert.equal(await adding, "asked");
    else await assert.rejects(adding, refusedWith(expected));
    assert.equal(bmc.changes.length, expected === undefined ? 1 : 0);
  });
}

test("a BMC that is busy is asked again, from the look on", async (t) => {
  const bmc = await Bmc.start(t);
  const busy = refusal(503, "ServiceTemporarilyUnavailable", "Retry in 30 seconds.");
  bmc.faults.push([/worker-1$/, busy], [/^POST/, refusal(500, "InternalError", "oops")]);
  assert.equal(await bmc.database(t, ours).add(), "asked");
  assert.deepEqual(bmc.db, [ours]);
  assert.equal(bmc.changes.length, 2);
});

test("a POST that was taken, but answered with an error, isn't made twice", async (t) => {
  const bmc = await Bmc.start(t);
  bmc.faults.push([
    /^POST/,
    () => {
      bmc.db.push(ours);
      return refusal(502, "InternalError", "oops");
    },
  ]);
  assert.equal(await bmc.database(t, ours).add(), "listed");
  assert.equal(bmc.changes.length, 1);
});

test("a BMC that stays busy, or away, is given up with its last word", async (t) => {
  const bmc = await Bmc.start(t);
  for (let count = 0; count < 100; count += 1) bmc.faults.push([/./, refusal(503, "Busy", "The BMC restarts.")]);
  await assert.rejects(
    bmc.database(t, ours, { patience: 1 }).add(),
    /timed out after 1 s waiting for the BMC of worker-1: HTTP 503 for .*: The BMC restarts\.; check the BMC/,
  );
  const nobody = { ...bmc.access, url: "https://127.0.0.1:1/redfish/v1/Systems/1" };
  await assert.rejects(
    bmc.database(t, ours, { access: nobody, patience: 1 }).add(),
    /timed out after 1 s waiting for the BMC of worker-1: connect ECONNREFUSED 127\.0\.0\.1:1; check the BMC/,
  );
});

test("what the BMC refuses is told in its own words", async (t) => {
  const bmc = await Bmc.start(t);
  bmc.faults.push([/^POST/, refusal(400, "PropertyValueIncorrect", "The key is\n too long.")]);
  await assert.rejects(bmc.database(t, ours).add(), refusedWith(/refused: HTTP 400 for \S+: The key is too long\.$/));
});

test("a redirect on the same BMC is followed, with method and content; one to another place is not", async (t) => {
  const bmc = await Bmc.start(t);
  const to = (location: string) => ({ status: 308, headers: { Location: location } });
  bmc.faults.push([/GET .*worker-1$/, to("/redfish/v1/Systems/worker-1/")], [/^POST/, to(`${certificates}/`)]);
  assert.equal(await bmc.database(t, ours).add(), "asked");
  assert.deepEqual(bmc.db, [ours]);
  bmc.faults.push([/worker-1$/, to("https://127.0.0.2/redfish/v1/Systems/worker-1")]);
  await assert.rejects(
    bmc.database(t, ours).lists(),
    refusedWith(/redirects to https:\/\/127\.0\.0\.2, where nothing was sent/),
  );
});

test("what is done only at the boot is asked again by a second run, and refused by nobody", async (t) => {
  const bmc = await Bmc.start(t);
  bmc.boots = false;
  for (let run = 0; run < 2; run += 1) assert.equal(await bmc.database(t, ours).add(), "asked");
  assert.deepEqual(bmc.changes, [`POST ${certificates}`, `POST ${certificates}`]);
});
