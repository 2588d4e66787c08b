import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { inputOf, leaks, mentions, shownOf, valueOf } from "../components/fixtures.ts";
import { named, unknown } from "../components/harness.ts";
import {
  configOf,
  filesFor,
  mokPassword,
  run,
  signingPair,
  sshKeyText,
  type Files,
  type StackConfig,
} from "./program.ts";
import { table } from "./table.ts";

/** Pulumi.dev.yaml, but for the paths of the files, which the sandbox makes. */
async function devConfig({ release, sshKey }: Files): Promise<StackConfig> {
  const config = await configOf("dev");
  return {
    ...config,
    release: { ...(config["release"] as object), package: release.package },
    ssh: { ...(config["ssh"] as object), privateKeyFile: sshKey },
  };
}

const expected = `
cluster kubernetes ← identity
onload ModuleNamespace
  onload Namespace
  onload-guard Command ← onload, onload-privileged, onload-worker
  onload-privileged RoleBinding ← onload, onload-worker
  onload-worker ServiceAccount ← onload
signing SigningKey
  signing PrivateKey
  signing SelfSignedCert ← signing
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
worker-1 OnloadNode
  worker-1-marks Command
  worker-1-select NodePatch ← worker-1-marks
  worker-1-claim Command ← module-release, mok-password, signing, worker-1-select
  worker-1-import Command ← mok-password, signing, worker-1-claim
  worker-1-roll Command ← module-build, mok-password, onload, signing, worker-1-claim, worker-1-import
  worker-1-proof Command ← onload, signing, worker-1-roll
worker-2 OnloadNode
  worker-2-marks Command
  worker-2-select NodePatch ← worker-2-marks
  worker-2-claim Command ← module-release, mok-password, signing, worker-2-select
  worker-2-import Command ← mok-password, signing, worker-1-proof, worker-2-claim
  worker-2-roll Command ← module-build, mok-password, onload, signing, worker-1-proof, worker-2-claim, worker-2-import
  worker-2-proof Command ← onload, signing, worker-2-roll
worker-3 OnloadNode
  worker-3-marks Command
  worker-3-select NodePatch ← worker-3-marks
  worker-3-claim Command ← module-release, mok-password, signing, worker-3-select
  worker-3-import Command ← mok-password, signing, worker-2-proof, worker-3-claim
  worker-3-roll Command ← module-build, mok-password, onload, signing, worker-2-proof, worker-3-claim, worker-3-import
  worker-3-proof Command ← onload, signing, worker-3-roll
module KernelModule ← onload, onload-guard, onload-privileged, onload-worker
  module Module ← module-dockerfile, onload, signing, signing-cert, signing-key, source-upload, worker-1-select, worker-2-select, worker-3-select
  module-build Command ← module, onload, signing
  module-dockerfile ConfigMap ← onload
  module-guard Command ← module, module-dockerfile
  module-release Command ← module, onload
identity Command
`;

for (const preview of [true, false]) {
  test(`the sandbox's stack is this, in ${preview ? "a first preview" : "an up"}`, async (t) => {
    const { registrations, error } = await run({ config: await devConfig(await filesFor(t)), preview });
    assert.equal(error, undefined);
    const guard = named(registrations, "guard");
    assert.deepEqual(table(registrations.filter((each) => each !== guard)), expected.trim().split("\n"));
    // The password is in state alone, and goes after the nodes that wait for it.
    const everything = registrations
      .filter(({ parent }) => parent !== undefined && parent !== "mok-password")
      .map(({ name }) => name);
    assert.deepEqual(guard.dependencies, [...new Set(everything)].sort());
    assert.match(String(guard.inputs["delete"]), /steps\/guardDestroy\.ts$/);
  });
}

test("nothing goes to the cluster but through the explicit provider, which knows the cluster by its identity", async (t) => {
  const { registrations } = await run({ config: await devConfig(await filesFor(t)) });
  const onCluster = registrations.filter(({ type }) => type.startsWith("kubernetes:"));
  assert.ok(onCluster.length > 10);
  assert.deepEqual([...new Set(onCluster.map(({ provider }) => provider))], ["cluster"]);
  const { kubeconfig, context, clusterIdentifier, upsertExistingObjects } = named(registrations, "cluster").inputs;
  assert.deepEqual(
    { kubeconfig, context, clusterIdentifier, upsertExistingObjects },
    {
      kubeconfig: ".sandbox/kubeconfig",
      context: "sandbox",
      clusterIdentifier: "00000000-5a4d-4b0c-8000-000000000001",
      upsertExistingObjects: "true",
    },
  );
});

test("default providers for Kubernetes are off in each stack's file", async () => {
  for (const stack of ["dev", "prod"]) {
    assert.deepEqual((await configOf(stack))["pulumi:disable-default-providers"], ["kubernetes"]);
  }
});

test("every step is told which cluster it may touch", async (t) => {
  const config = await devConfig(await filesFor(t));
  const { registrations, asked } = await run({ config });
  const steps = registrations.filter(({ type }) => type === "command:local:Command");
  for (const { name } of steps) {
    assert.deepEqual((inputOf(registrations, name) as { cluster: unknown }).cluster, config["cluster"], name);
  }
  assert.deepEqual(asked?.cluster, config["cluster"]);
});

test("no step's command holds more than a program's path", async (t) => {
  const { registrations } = await run({ config: await devConfig(await filesFor(t)) });
  for (const { name, inputs } of registrations.filter(({ type }) => type === "command:local:Command")) {
    for (const command of [inputs["create"], inputs["delete"] ?? "true"]) {
      assert.match(String(command), /^true$|^exec node_modules\/\.bin\/node steps\/\w+\.ts$/, name);
    }
  }
});

test("the look before the first change is told what is meant to happen", async (t) => {
  const { asked } = await run({ config: await devConfig(await filesFor(t)) });
  assert.deepEqual(asked?.intent, {
    stack: "dev",
    namespace: "onload-kmm",
    nodes: ["worker-1", "worker-2", "worker-3"].map((name) => ({ name, hold: false })),
    kernels: "^.+$",
    strategy: "driver-toolkit",
  });
});

test("the stack's outputs are the certificate's fingerprint, image, version and each node in one line", async (t) => {
  const { outputs } = await run({ config: await devConfig(await filesFor(t)) });
  const value = (name: string): Promise<unknown> => valueOf(pulumi.output(outputs[name]));
  const fingerprint = String(await value("certificateFingerprint"));
  assert.match(fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.match(
    String(await value("image")),
    /\/onload-kmm\/onload-kmod:[\d.]+-[0-9a-f]{12}-\$\{KERNEL_FULL_VERSION\}$/,
  );
  assert.match(String(await value("moduleVersion")), /^[0-9a-f]{12}$/);
  const line = `proven, version v1, kernel 5.14.0-1.el9.x86_64, key ${fingerprint.slice(0, 11)} enrolled`;
  assert.deepEqual(await value("proofs"), { "worker-1": line, "worker-2": line, "worker-3": line });
});

test("no secret is in plain sight anywhere in the program", async (t) => {
  const files = await filesFor(t);
  const config = { ...(await devConfig(files)), enrolment: { mode: "attended" } };
  const { registrations, error } = await run({ config });
  assert.equal(error, undefined);
  const line = (pem: string): string => pem.split("\n")[1] ?? assert.fail();
  for (const secret of [line(signingPair.key), mokPassword, "$2a$10$"]) {
    assert.deepEqual(leaks(registrations, secret), []);
  }
  // They are there, all but the password itself, which nobody but a person needs.
  assert.ok(mentions(registrations, line(signingPair.key)).includes("signing-key"));
  assert.ok(mentions(registrations, "$2a$10$").includes("worker-1-roll"));
  // The SSH key is nowhere, hidden or not, so it isn't in state: steps read it from its file, which they are told.
  assert.deepEqual(mentions(registrations, line(sshKeyText)), []);
  assert.ok(mentions(registrations, files.sshKey).includes("worker-1-import"));
});

/** Resources whose inputs differ between two runs. */
async function changesBetween(before: StackConfig, after: StackConfig): Promise<string[]> {
  const [one, two] = [(await run({ config: before })).registrations, (await run({ config: after })).registrations];
  const key = ({ type, name }: (typeof one)[number]): string => `${name} ${type.split(":").at(-1) ?? ""}`;
  const inputs = new Map(one.map((each) => [key(each), JSON.stringify(each.inputs)]));
  return two.filter((each) => inputs.get(key(each)) !== JSON.stringify(each.inputs)).map(key);
}

test("a bump of `rebuild` changes the Module, its build, and each node's roll and proof, nothing else", async (t) => {
  const config = await devConfig(await filesFor(t));
  assert.deepEqual((await changesBetween(config, { ...config, rebuild: 1 })).sort(), [
    "module Module",
    "module-build Command",
    ...["worker-1", "worker-2", "worker-3"].flatMap((name) => [`${name}-proof Command`, `${name}-roll Command`]),
  ]);
});

test("another order of the nodes changes nobody's inputs", async (t) => {
  const config = await devConfig(await filesFor(t));
  const nodes = [...(config["nodes"] as unknown[])].reverse();
  assert.deepEqual(await changesBetween(config, { ...config, nodes }), []);
});

test("the same configuration makes the same inputs", async (t) => {
  const config = await devConfig(await filesFor(t));
  assert.deepEqual(await changesBetween(config, structuredClone(config)), []);
});

/** The configured nodes, with this one held and no other. */
const withHold = (config: StackConfig, name: string) =>
  (config["nodes"] as { name: string }[]).map((node) => ({ ...node, hold: node.name === name }));

test("holding a node is told on that node, and changes nobody else's inputs", async (t) => {
  const config = await devConfig(await filesFor(t));
  const nodes = withHold(config, "worker-2");
  assert.deepEqual(await changesBetween(config, { ...config, nodes }), ["worker-2-select NodePatch"]);
});

test("a held node is skipped in the roll-out order", async (t) => {
  const config = await devConfig(await filesFor(t));
  const nodes = withHold(config, "worker-2");
  const { registrations } = await run({ config: { ...config, nodes } });
  assert.ok(!registrations.some(({ name }) => name === "worker-2-roll" || name === "worker-2-proof"));
  assert.ok(named(registrations, "worker-3-roll").dependencies.includes("worker-1-proof"));
  // Selected all the same, so that its image is built and its modules stay.
  assert.ok(named(registrations, "module", ":Module").dependencies.includes("worker-2-select"));
});

test("a real-time kernel gets a mapping of its own, and its image is waited for", async (t) => {
  const plain = "5.14.0-570.49.1.el9_6.x86_64";
  const kernels = { "worker-1": plain, "worker-2": `${plain}+rt`, "worker-3": plain };
  const { registrations } = await run({ config: await devConfig(await filesFor(t)), kernels });
  const { images } = inputOf(registrations, "module-build") as { images: { kernel: string }[] };
  assert.deepEqual(
    images.map(({ kernel }) => kernel),
    [plain, `${plain}+rt`],
  );
});

test("a first preview knows nothing of keys and images, and says so", async (t) => {
  const { registrations } = await run({ config: await devConfig(await filesFor(t)), preview: true });
  assert.equal(named(registrations, "module", ":Module").inputs["spec"], unknown);
  assert.equal(shownOf(registrations, "worker-1-proof"), unknown);
});
