import assert from "node:assert/strict";
import { test } from "node:test";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { credentialsFor, mergeDockerConfigs } from "../../core/build/dockerConfig.ts";
import { RegistryClient } from "../../steps/build/registry/client.ts";
import { bearerToken, challengeIn } from "../../steps/build/registry/token.ts";
import { liveBy } from "../../steps/lib/clock.ts";
import { StepError } from "../../steps/lib/step.ts";
import { rsaPair } from "../core/configuration/pems.ts";
import { answer, certificate, startServer } from "../steps/build/registry/server.ts";
import { Bmc, credentials } from "../steps/firmware/bmc.ts";
import { VirtualClock } from "../steps/virtualClock.ts";
import { answered, assertShowable, assertTold, hostile, untilTheEnd } from "./hostile.ts";
import { damagedJson, damagedText, odd } from "./inputs.ts";

const challenge = 'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a:pull"';
const tokenAnswers = damagedJson({ token: "t0k3n" }, { access_token: "t0k3n", expires_in: 300 });
const logins = fc.record({
  header: damagedText(challenge, "Basic realm=x"),
  body: fc.oneof(
    tokenAnswers.map((value) => JSON.stringify(value)),
    odd,
  ),
  status: fc.constantFrom(200, 200, 200, 401, 500),
});
hostile("registry's login", logins, async ({ header, body, status }) => {
  const found = challengeIn(header);
  if (found?.kind !== "bearer") return;
  const asked: URL[] = [];
  const got = await bearerToken(found, "team/onload", (url) => {
    asked.push(url);
    return Promise.resolve({ status, headers: {}, body });
  });
  for (const url of asked) assert.equal(url.protocol, "https:");
  if ("token" in got) assert.match(got.token, /^[\x21-\x7e]+$/);
  else assertShowable(got.why, 50_000);
});

const repository = "registry.example.com:5000/team/onload";
const auth = { auth: Buffer.from("robot:secret").toString("base64") };
const config = { auths: { "registry.example.com:5000": auth, [repository]: { username: "u", password: "p" } } };
const configs = fc.oneof(
  damagedJson(config).map((value) => JSON.stringify(value)),
  damagedText(JSON.stringify(config)),
);
hostile("registry credentials", fc.tuple(configs, configs), ([one, other]) => {
  const found = credentialsFor(repository, one);
  if (found !== undefined) assert.ok(found.user.length > 0 && found.password.length > 0);
  const merged = mergeDockerConfigs([one, other]);
  assert.deepEqual(Object.keys(JSON.parse(merged) as object), ["auths"]);
  const last = credentialsFor(repository, other);
  if (last !== undefined && one === other) assert.deepEqual(credentialsFor(repository, merged), last);
});

test("entries that are called like an object's own members are entries", () => {
  const text = `{"auths":{"__proto__":{"auth":"${auth.auth}"},"constructor":{"auth":"${auth.auth}"}}}`;
  assert.equal(credentialsFor("constructor/x", text)?.user, "robot");
  assert.equal(credentialsFor("toString/x", text), undefined);
  assert.equal(({} as Record<string, unknown>)["auth"], undefined);
});

test("a registry that sends without an end, or a token that can't stand in a header, is refused", async (t) => {
  liveBy(new VirtualClock({ limitsPass: false }));
  const mode = { is: "flood" };
  const host = await startServer(t, ({ url = "" }, response, base) => {
    if (!url.startsWith("/token")) answer(response, 401, { "www-authenticate": `Bearer realm="${base}/token"` });
    else if (mode.is === "flood") answer(response, 200, {}, "x".repeat(3_000_000));
    else answer(response, 200, {}, JSON.stringify({ token: "a\r\nX: y" }));
  });
  const { cert: ca } = certificate as { cert: string };
  for (const [is, why] of [
    ["flood", /an answer of more than 1048576 bytes|gave no token/],
    ["header", /gave no token/],
  ] as const) {
    mode.is = is;
    const client = new RegistryClient({ host, credentials: { user: "u", password: "p" }, ca, patience: 0 });
    await assert.rejects(client.digest("team/onload", "x"), (error: unknown) => {
      assert.ok(error instanceof StepError, String(error));
      assertTold(error.told, 2000);
      assert.match(error.message, why);
      return true;
    });
  }
});

const [ours = "", theirs = ""] = (await Promise.all([rsaPair(), rsaPair()])).map(({ certificate: pem }) =>
  new X509Certificate(pem).toString(),
);
const bmc = await Bmc.start(untilTheEnd, theirs);
const link = (path: string) => ({ "@odata.id": path });
const bodies = [
  { UUID: null, SecureBoot: link("/redfish/v1/Systems/worker-1/SecureBoot"), Bios: link("/redfish/v1/x") },
  {
    SecureBootMode: "UserMode",
    SecureBootDatabases: link("/redfish/v1/Systems/worker-1/SecureBoot/SecureBootDatabases"),
  },
  { Members: [link("/a"), link("//evil.example/b"), link("http://[")], "Members@odata.nextLink": "/c" },
  { CertificateString: theirs, Fingerprint: "AA", FingerprintHashAlgorithm: "TPM_ALG_SHA256" },
  { error: { message: `no: ${credentials.password}`, "@Message.ExtendedInfo": [{ Message: "x\u001b[2J" }] } },
];
const faults = fc.record({
  at: fc.constantFrom(/^GET .*worker-1$/, /SecureBoot$/, /Databases$/, /db$/, /Certificates$/, /Certificates\/1$/),
  status: fc.constantFrom(200, 200, 200, 200, 301, 400, 403, 404),
  body: damagedJson(...bodies),
  location: fc.oneof(
    fc.constantFrom("/redfish/v1", "http://[", "https://evil.example/", "//evil.example"),
    fc.constant(""),
  ),
});
hostile("BMC", fc.array(faults, { minLength: 1, maxLength: 3 }), async (wrong) => {
  const before = bmc.db.length;
  bmc.faults.push(
    ...wrong.map(
      ({
        at,
        status,
        body,
        location,
      }): [RegExp, { status: number; body: object; headers?: Record<string, string> }] => [
        at,
        { status, body: Object(body) as object, ...(location !== "" && { headers: { location } }) },
      ],
    ),
  );
  const database = bmc.database({ after: () => undefined }, ours);
  try {
    const listed = await answered(() => database.lists());
    assert.ok(listed === undefined || !listed);
  } catch (error) {
    assert.ok(!String(error).includes(credentials.password));
    throw error;
  } finally {
    database.close();
    bmc.faults.length = 0;
  }
  assert.equal(bmc.db.length, before);
});

test("a list of a BMC's that never ends is left", async (t) => {
  const endless = await Bmc.start(t, theirs);
  const page = { status: 200, body: { Members: [], "Members@odata.nextLink": "/redfish/v1/again" } };
  for (let times = 0; times < 5; times += 1) endless.faults.push([/again$/, page]);
  endless.faults.unshift([/Certificates$/, page]);
  await assert.rejects(endless.database(t, ours).lists(), /OKMM|doesn't end/);
});

test("a BMC that repeats the password in its refusal doesn't make us repeat it", async (t) => {
  const telling = await Bmc.start(t, theirs);
  const login = Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64");
  const body = { error: { message: `no such login: ${credentials.password} (Basic ${login})` } };
  telling.faults.push([/worker-1$/, { status: 400, body }]);
  await assert.rejects(telling.database(t, ours).lists(), (error: unknown) => {
    assert.match(String(error), /no such login: \*\*\* \(Basic \*\*\*\)/);
    return true;
  });
});
