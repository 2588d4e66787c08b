import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { OnloadNode, type OnloadNodeArgs } from "../../components/onloadNode.ts";
import { step } from "../../components/step.ts";
import { annotations } from "../../core/names.ts";
import { answered, inputOf, leaks, mentions, onStack, valueOf } from "./fixtures.ts";
import { named, record, unknown, type Registration } from "./harness.ts";
import { built, certificate, enrolment, identity, node, passwordHash, privateKey, rollout, ssh } from "./nodeArgs.ts";

const register = (more: () => Partial<OnloadNodeArgs> = () => ({}), options = answered): Promise<Registration[]> =>
  record(() => new OnloadNode(node("worker-1", more()), {}), options);
const onNode = { cluster: onStack.cluster, ssh, certificate };
const childrenOf = (all: Registration[], parent: string): string[] =>
  all.filter((each) => each.parent === parent).map(({ name }) => name);

test("a node's resources are named after it, so that another order of the list is no change", async () => {
  assert.deepEqual(childrenOf(await register(), "worker-1"), [
    "worker-1-marks",
    "worker-1-select",
    "worker-1-claim",
    "worker-1-import",
    "worker-1-roll",
    "worker-1-proof",
  ]);
});

test("the selection label is a patch of our own field, which the same stack always owns", async () => {
  const { inputs, type, dependencies, retained } = named(await register(), "worker-1-select");
  assert.equal(type, "kubernetes:core/v1:NodePatch");
  assert.deepEqual(inputs["metadata"], {
    name: "worker-1",
    labels: { "onload-kmm.io/stack": "dev" },
    annotations: {
      "onload-kmm.io/selected": "uid-worker-1",
      "pulumi.com/patchFieldManager": "onload-kmm-dev-select",
      "pulumi.com/patchForce": "true",
    },
  });
  // Before the Module, so that KMM builds for this node's kernel at once.
  assert.deepEqual(dependencies, ["worker-1-marks"]);
  assert.ok(retained, "its deletion would make a Node that is gone anew");
});

test("the marks are taken off by a step of their own, which is there before them", async () => {
  const all = await register();
  const { inputs, dependencies } = named(all, "worker-1-marks");
  assert.equal(inputs["create"], "true");
  assert.match(String(inputs["delete"]), /steps\/unmarkNode\.ts$/);
  assert.deepEqual(dependencies, []);
  assert.deepEqual(inputOf(all, "worker-1-marks"), { cluster: onStack.cluster, stack: "dev", node: "worker-1" });
});

test("the claim does nothing when the node comes, and unloads when it leaves, while selected and with the Module", async () => {
  const all = await register();
  const { inputs, dependencies } = named(all, "worker-1-claim");
  assert.equal(inputs["create"], "true");
  assert.match(String(inputs["delete"]), /steps\/leaveNode\.ts$/);
  assert.deepEqual(dependencies, ["module", "worker-1-select"]);
  assert.deepEqual(inputOf(all, "worker-1-claim"), {
    ...onNode,
    stack: "dev",
    node: "worker-1",
    namespace: "onload-kmm",
    module: "onload",
    enrolment: { ...enrolment, passwordHash },
    ...rollout,
  });
});

test("the claim is there before the request and the outage, to clean up after one that failed", async () => {
  const all = await register();
  assert.deepEqual(named(all, "worker-1-import").dependencies, ["worker-1-claim"]);
  const { inputs, dependencies } = named(all, "worker-1-roll");
  assert.deepEqual(dependencies, ["worker-1-claim", "worker-1-import"]);
  // A roll that is undone leaves the node as it is: leaving is the claim's.
  assert.ok(!("delete" in inputs));
});

test("the roll is done again when machine, certificate, version or image change", async () => {
  const all = await register();
  assert.deepEqual(inputOf(all, "worker-1-roll"), {
    ...onNode,
    node: identity("worker-1"),
    module: built,
    stack: "dev",
    enrolment: { ...enrolment, passwordHash },
    ownNetworkOnSolarflare: false,
    ...rollout,
  });
});

test("the proof is read-only, comes last, and changes with what was rolled alone", async () => {
  const all = await register();
  const { inputs, dependencies } = named(all, "worker-1-proof");
  assert.match(String(inputs["create"]), /steps\/proveNode\.ts$/);
  assert.ok(!("delete" in inputs));
  assert.deepEqual(dependencies, ["worker-1-roll"]);
  const target = { ...onNode, node: identity("worker-1"), module: built };
  assert.deepEqual(inputOf(all, "worker-1-proof"), { ...target, mode: "attended" });
});

test("what was proven is the step's answer", async () => {
  let made: OnloadNode | undefined;
  const proof = { node: "worker-1", kernel: "5.14.0", bootId: "b", image: "i", version: "v1" };
  await record(() => (made = new OnloadNode(node("worker-1"), {})), {
    outputs: () => ({ stdout: JSON.stringify(proof) }),
  });
  assert.deepEqual(await valueOf(made?.proof ?? assert.fail()), proof);
});

test("a held node is selected and claimed, but neither rolled nor proven", async () => {
  let made: OnloadNode | undefined;
  const all = await record(() => (made = new OnloadNode(node("worker-1", { hold: true }), {})), answered);
  assert.deepEqual(childrenOf(all, "worker-1"), ["worker-1-marks", "worker-1-select", "worker-1-claim"]);
  assert.equal(made?.proof, undefined);
  const { annotations: given } = named(all, "worker-1-select").inputs["metadata"] as { annotations: object };
  assert.ok(annotations.hold in given, "the others' rolls look there");
});

test("before the build nobody knows what to load, and a preview shows the outage all the same", async () => {
  const all = await record(
    () => {
      const build = step("module-build", { run: "followModuleBuild", input: {} }, {});
      return new OnloadNode(node("worker-1", { built: build.stdout.apply(() => built) }), {});
    },
    { preview: true },
  );
  assert.deepEqual(named(all, "worker-1-roll").inputs["stdin"], { secret: unknown });
  assert.equal(named(all, "worker-1-proof").inputs["stdin"], unknown);
  assert.ok(named(all, "worker-1-roll").dependencies.includes("module-build"));
});

test("the import asks over SSH, with the host key that the configuration names", async () => {
  const { inputs, type } = named(await register(), "worker-1-import");
  assert.equal(type, "command:remote:Command");
  const { secret: connection } = inputs["connection"] as { secret: Record<string, unknown> };
  const { host, port, user, hostKey } = connection;
  assert.deepEqual({ host, port, user, hostKey }, { host: "worker-1", port: 2222, user: "core", hostKey: ssh.hostKey });
  assert.equal(connection["privateKey"], privateKey);
});

test("the import takes certificate and password hash on stdin, and none of them in its command", async () => {
  const { inputs } = named(await register(), "worker-1-import");
  assert.deepEqual(inputs["stdin"], { secret: `certificate=MIIBAAAA\npassword-hash=${passwordHash}\n` });
  assert.equal(inputs["create"], "timeout 120 sh -c 'set -eu\nmokutil --import' # uid-worker-1 m s");
  assert.deepEqual([inputs["logging"], inputs["addPreviousOutputInEnv"]], ["none", false]);
  // Nothing to undo by itself: the claim revokes what is pending.
  assert.ok(!("delete" in inputs));
});

test("another machine under the same name is asked again", async () => {
  const commands: unknown[] = [];
  for (const change of [{}, { uid: "u" }, { machineId: "n" }, { systemUuid: "t" }, { attempt: 1 }]) {
    const all = await register(() => ({ identity: { ...identity("worker-1"), ...change } }));
    commands.push(named(all, "worker-1-import").inputs["create"]);
  }
  // The last one is the same machine, looked at again.
  assert.equal(new Set(commands).size, 4);
  assert.equal(commands.at(-1), commands[0]);
});

for (const mode of ["off", "redfish"] as const) {
  test(`with enrolment ${mode} MokManager is never asked`, async () => {
    const all = await register(() => ({ enrolment: { ...enrolment, mode, passwordHash: pulumi.output("") } }));
    assert.ok(!childrenOf(all, "worker-1").includes("worker-1-import"));
    assert.deepEqual(named(all, "worker-1-roll").dependencies, ["worker-1-claim"]);
  });
}

test("roll and claim log in at the BMC, and nobody sees with what", async () => {
  const bmc = { url: "https://bmc/redfish/v1/Systems/1", fingerprint: "0f", user: "admin", password: "of the BMC" };
  const all = await register(() => ({
    enrolment: { ...enrolment, mode: "redfish", passwordHash: pulumi.output(""), bmc: pulumi.secret(bmc) },
  }));
  for (const name of ["worker-1-claim", "worker-1-roll"]) {
    assert.deepEqual((inputOf(all, name) as { enrolment: { bmc: unknown } }).enrolment.bmc, bmc);
  }
  assert.deepEqual(mentions(all, bmc.password).sort(), ["worker-1-claim", "worker-1-roll"]);
  assert.deepEqual(leaks(all, bmc.password), []);
});

test("an SSH agent needs no key in the state", async () => {
  const { inputs } = named(await register(() => ({ privateKey: undefined })), "worker-1-import");
  assert.ok(!("privateKey" in (inputs["connection"] as { secret: object }).secret));
});

test("neither the password's hash nor the SSH key is ever in plain sight", async () => {
  const all = await register();
  for (const text of [passwordHash, privateKey]) {
    assert.deepEqual(leaks(all, text), []);
    assert.ok(mentions(all, text).includes("worker-1-import"));
  }
});
