import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { OnloadNode, type OnloadNodeArgs } from "../../components/onloadNode.ts";
import { step } from "../../components/step.ts";
import { contract } from "../../core/contracts/contract.ts";
import { annotations } from "../../core/names.ts";
import type { NodeReality } from "../../core/node/reality.ts";
import { proven } from "../core/node/realities.ts";
import { answered, inputOf, leaks, mentions, onStack, proofOf, shownOf, valueOf } from "./fixtures.ts";
import { named, record, type Registration } from "./harness.ts";
import { certificate, identity, node, passwordHash, ssh, target } from "./nodeArgs.ts";

const register = (more: () => Partial<OnloadNodeArgs> = () => ({}), options = answered): Promise<Registration[]> =>
  record(() => new OnloadNode(node("worker-1", more()), {}), options);
const someBuild = contract({ program: "followModuleBuild", input: z.object({}), answer: z.object({}) });
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
  assert.ok(retained, "its deletion would create a Node that is gone again");
});

test("the marks are taken off by a step of their own, which is there before them, and before each new kernel's mapping", async () => {
  const all = await register();
  const { inputs, dependencies } = named(all, "worker-1-marks");
  assert.match(String(inputs["create"]), /steps\/closeGate\.ts$/);
  assert.match(String(inputs["delete"]), /steps\/unmarkNode\.ts$/);
  assert.deepEqual(dependencies, []);
  assert.deepEqual(inputOf(all, "worker-1-marks"), {
    cluster: onStack.cluster,
    stack: "dev",
    node: "worker-1",
    namespace: "onload-kmm",
    module: "onload",
    kernel: identity("worker-1").kernel,
  });
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
    enrolment: { passwordHash },
  });
});

test("the claim is there before the request and the outage, to clean up after one that failed", async () => {
  const all = await register();
  assert.deepEqual(named(all, "worker-1-import").dependencies, ["worker-1-claim"]);
  const { inputs, dependencies } = named(all, "worker-1-roll");
  assert.deepEqual(dependencies, ["build", "worker-1-claim", "worker-1-import"]);
  // A roll that is undone leaves the node as it is: leaving is the claim's.
  assert.ok(!("delete" in inputs));
});

test("the roll is done again when machine, certificate, version or image change", async () => {
  const all = await register();
  assert.deepEqual(inputOf(all, "worker-1-roll"), {
    ...onNode,
    node: identity("worker-1"),
    module: target,
    generation: 1,
    stack: "dev",
    enrolment: { passwordHash },
    consent: { ownNetworkOnSolarflare: false, withoutPorts: false },
  });
});

test("the proof is read-only, comes last, and changes with what was rolled alone", async () => {
  const all = await register();
  const { inputs, dependencies } = named(all, "worker-1-proof");
  assert.match(String(inputs["create"]), /steps\/proveNode\.ts$/);
  assert.ok(!("delete" in inputs));
  assert.deepEqual(dependencies, ["worker-1-roll"]);
  assert.deepEqual(inputOf(all, "worker-1-proof"), {
    ...onNode,
    node: identity("worker-1"),
    module: target,
    generation: 1,
  });
});

test("what was proven is the step's answer", async () => {
  let made: OnloadNode | undefined;
  const proof = proofOf("worker-1");
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

test("the outage waits for the build, and a preview knows its inputs before that", async () => {
  const all = await record(
    () => {
      const build = step("module-build", { run: someBuild }, {}, {});
      return new OnloadNode(node("worker-1", { build: pulumi.output(build) }), {});
    },
    { preview: true },
  );
  assert.ok(named(all, "worker-1-roll").dependencies.includes("module-build"));
  assert.match(String(shownOf(all, "worker-1-roll")), /"version":"v1"/);
});

test("a node that is as it shall be keeps its generation; one that deviates gets the next", async () => {
  const done = proven("worker-1", 7);
  const generationOf = async (reality: NodeReality) => {
    const all = await register(() => ({ reality }));
    return (["roll", "proof"] as const).map(
      (part) => (inputOf(all, `worker-1-${part}`) as { generation: number }).generation,
    );
  };
  assert.deepEqual(await generationOf(done), [7, 7]);
  assert.deepEqual(await generationOf({ ...done, nmc: {} }), [8, 8]);
});

test("the import is told which machine to ask, over SSH, for what, and undoes nothing", async () => {
  const all = await register();
  const { inputs } = named(all, "worker-1-import");
  assert.match(String(inputs["create"]), /steps\/importKey\.ts$/);
  // The claim revokes what is pending.
  assert.ok(!("delete" in inputs));
  assert.deepEqual(inputOf(all, "worker-1-import"), {
    ...onNode,
    stack: "dev",
    node: { name: "worker-1", uid: "uid-worker-1", machineId: "m", systemUuid: "s" },
    passwordHash,
  });
});

test("another machine under the same name is asked again", async () => {
  const inputs: unknown[] = [];
  for (const change of [{}, { uid: "u" }, { machineId: "n" }, { systemUuid: "t" }, { kernel: "6.12" }]) {
    const all = await register(() => ({ identity: { ...identity("worker-1"), ...change } }));
    inputs.push(inputOf(all, "worker-1-import"));
  }
  const [same, ...others] = inputs;
  // The last one is the same machine with another kernel.
  assert.deepEqual(
    others.map((input) => isDeepStrictEqual(input, same)),
    [false, false, false, true],
  );
});

for (const mode of ["off", "redfish"] as const) {
  test(`with enrolment ${mode} MokManager is never asked`, async () => {
    const all = await register(() => ({ mode, enrolment: { passwordHash: pulumi.output("") } }));
    assert.ok(!childrenOf(all, "worker-1").includes("worker-1-import"));
    assert.deepEqual(named(all, "worker-1-roll").dependencies, ["build", "worker-1-claim"]);
  });
}

test("roll and claim log in at the BMC, and nobody sees with what", async () => {
  const bmc = { url: "https://bmc/redfish/v1/Systems/1", fingerprint: "0f", user: "admin", password: "of the BMC" };
  const all = await register(() => ({
    mode: "redfish",
    enrolment: { passwordHash: pulumi.output(""), bmc: pulumi.secret(bmc) },
  }));
  for (const name of ["worker-1-claim", "worker-1-roll"]) {
    assert.deepEqual((inputOf(all, name) as { enrolment: { bmc: unknown } }).enrolment.bmc, bmc);
  }
  assert.deepEqual(mentions(all, bmc.password).sort(), ["worker-1-claim", "worker-1-roll"]);
  assert.deepEqual(leaks(all, bmc.password), []);
});

test("the password's hash is never in plain sight", async () => {
  const all = await register();
  assert.deepEqual(leaks(all, passwordHash), []);
  assert.ok(mentions(all, passwordHash).includes("worker-1-import"));
});
