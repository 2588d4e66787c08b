import assert from "node:assert/strict";
import { test } from "node:test";
import { leaks, mentions } from "../components/fixtures.ts";
import { named } from "../components/harness.ts";
import {
  configOf,
  entitlement,
  filesFor,
  mokPassword,
  run,
  signingPair,
  type Files,
  type StackConfig,
} from "./program.ts";
import { table } from "./table.ts";

/** Pulumi.prod.yaml with what nobody can put into a repository: a release package and a private key. */
async function prodConfig({ release, sshKey }: Files): Promise<StackConfig> {
  const config = await configOf("prod");
  return { ...config, release, ssh: { ...(config["ssh"] as object), privateKeyFile: sshKey } };
}

/** The names of the example's nodes are long. */
const short = (line: string): string => line.replaceAll(".prod.example.com", "");

const bmc = { url: "https://bmc/redfish/v1/Systems/1", fingerprint: "0f".repeat(32) };

const expected = `
cluster kubernetes ← identity
onload ModuleNamespace
  onload Namespace
  onload-guard Command ← onload, onload-privileged, onload-worker
  onload-privileged RoleBinding ← onload, onload-worker
  onload-worker ServiceAccount ← onload
signing SigningKey
  signing PrivateKey (protected)
  signing SelfSignedCert (protected) ← signing
  signing-cert Secret ← onload, signing
  signing-guard Command ← signing-cert, signing-key
  signing-key Secret ← onload, signing
source SrpmImage
  source ImageStream ← onload
  source-build BuildConfig ← onload, source
  source-guard Command ← source, source-build
  source-upload Command ← onload, source, source-build
mok-password EnrolmentPassword
  mok-password RandomPassword
worker-0 OnloadNode
  worker-0-marks Command
  worker-0-select NodePatch ← worker-0-marks
  worker-0-claim Command ← module-release, mok-password, signing, worker-0-select
  worker-0-import Command ← mok-password, signing, worker-0-claim
  worker-0-roll Command ← module-build, mok-password, onload, signing, worker-0-claim, worker-0-import
  worker-0-proof Command ← onload, signing, worker-0-roll
worker-1 OnloadNode
  worker-1-marks Command
  worker-1-select NodePatch ← worker-1-marks
  worker-1-claim Command ← module-release, mok-password, signing, worker-1-select
  worker-1-import Command ← mok-password, signing, worker-0-proof, worker-1-claim
  worker-1-roll Command ← module-build, mok-password, onload, signing, worker-0-proof, worker-1-claim, worker-1-import
  worker-1-proof Command ← onload, signing, worker-1-roll
module KernelModule ← onload, onload-guard, onload-privileged, onload-worker
  module Module ← module-dockerfile, onload, signing, signing-cert, signing-key, source-upload, worker-0-select, worker-1-select
  module-build Command ← module, onload, signing
  module-dockerfile ConfigMap ← onload
  module-guard Command ← module, module-dockerfile
  module-release Command ← module, onload
identity Command
`;

test("the example for a real cluster is this", async (t) => {
  const { registrations, error } = await run({ stack: "prod", config: await prodConfig(await filesFor(t)) });
  assert.equal(error, undefined);
  const lines = table(registrations.filter(({ name }) => name !== "guard"));
  assert.deepEqual(lines.map(short), expected.trim().split("\n"));
});

test("with an entitlement its copy is there before the Module builds with it", async (t) => {
  const config = { ...(await prodConfig(await filesFor(t))), build: { strategy: "entitled-ubi" } };
  const { registrations, error, asked } = await run({ stack: "prod", config });
  assert.equal(error, undefined);
  assert.equal(asked?.intent.strategy, "entitled-ubi");
  const lines = table(registrations).filter((line) => /^ *entitlement/.test(line));
  assert.deepEqual(lines, [
    "entitlement CopiedSecret",
    "  entitlement Secret ← entitlement-source, onload",
    "  entitlement-guard Command ← entitlement",
    "  entitlement-source Secret (read)",
  ]);
  assert.ok(named(registrations, "module", ":Module").dependencies.includes("entitlement"));
  assert.ok(named(registrations, "guard").dependencies.includes("entitlement"));
  assert.deepEqual(leaks(registrations, entitlement), []);
  assert.ok(mentions(registrations, entitlement).includes("entitlement"));
});

test("an existing pair and a given password come from secret configuration, and stay secret", async (t) => {
  const config = {
    ...(await prodConfig(await filesFor(t))),
    signing: { source: "existing" },
    signingKey: signingPair.key,
    signingCertificate: signingPair.certificate,
    mokPassword,
  };
  const { registrations, error } = await run({ stack: "prod", config, secrets: ["signingKey", "mokPassword"] });
  assert.equal(error, undefined);
  assert.deepEqual(
    table(registrations).filter((line) => /PrivateKey|SelfSignedCert|RandomPassword/.test(line)),
    ["  mok-password-salt RandomPassword"],
  );
  const keyLine = signingPair.key.split("\n")[1] ?? assert.fail();
  for (const secret of [keyLine, mokPassword, "$2a$10$"]) assert.deepEqual(leaks(registrations, secret), []);
  assert.deepEqual(mentions(registrations, keyLine), ["signing-key"]);
  assert.deepEqual(mentions(registrations, mokPassword), []);
});

test("the way through the BMC makes no password, and its login stays secret", async (t) => {
  const example = await prodConfig(await filesFor(t));
  const nodes = (example["nodes"] as object[]).map((node) => ({ bmc, ...node }));
  const bmcCredentials = { user: "bmc-administrator", password: "correct horse of the BMC" };
  const config = { ...example, nodes, enrolment: { mode: "redfish" }, bmcCredentials };
  const { registrations, error } = await run({ stack: "prod", config, secrets: ["bmcCredentials"] });
  assert.equal(error, undefined);
  assert.ok(!registrations.some(({ name }) => name.startsWith("mok-password") || name.endsWith("-import")));
  for (const secret of Object.values(bmcCredentials)) assert.deepEqual(leaks(registrations, secret), []);
  assert.deepEqual(mentions(registrations, bmcCredentials.password).map(short).sort(), [
    "worker-0-claim",
    "worker-0-roll",
    "worker-1-claim",
    "worker-1-roll",
  ]);
});

test("in other modes no step is given the BMCs' login", async (t) => {
  const example = await prodConfig(await filesFor(t));
  const config = { ...example, bmcCredentials: { user: "admin", password: "correct horse of the BMC" } };
  const { registrations, error } = await run({ stack: "prod", config, secrets: ["bmcCredentials"] });
  assert.equal(error, undefined);
  assert.deepEqual(mentions(registrations, "correct horse of the BMC"), []);
});

test("with an SSH agent no key is read", async (t) => {
  const config = { ...(await prodConfig(await filesFor(t))), ssh: { agent: true } };
  const before = process.env["SSH_AUTH_SOCK"];
  t.after(() => (before === undefined ? delete process.env["SSH_AUTH_SOCK"] : (process.env["SSH_AUTH_SOCK"] = before)));
  process.env["SSH_AUTH_SOCK"] = "/run/agent";
  assert.equal((await run({ stack: "prod", config })).error, undefined);
  delete process.env["SSH_AUTH_SOCK"];
  const { error } = await run({ stack: "prod", config });
  assert.match(String(error), /onload-kmm:ssh\.agent: found true, but SSH_AUTH_SOCK isn't set where Pulumi runs/);
});
