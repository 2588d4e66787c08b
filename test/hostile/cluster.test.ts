import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { kernelProblem, kernelRelease, ubiImage } from "../../core/build/kernelRelease.ts";
import { imageMemoryAnnotations, parseImageMemory } from "../../core/build/imageMemory.ts";
import { dnsKernel, forKernel, normalizeKernel } from "../../core/build/imageTag.ts";
import { parsePolicy, policyAnnotations } from "../../core/configuration/policy.ts";
import { schema } from "../../core/configuration/settings.ts";
import { readAnswer } from "../../core/contracts/contract.ts";
import { inspectCluster, nothingSeen } from "../../core/contracts/inspectCluster.ts";
import { rollNode } from "../../core/contracts/rollNode.ts";
import { told } from "../../core/errors.ts";
import { annotations } from "../../core/names.ts";
import { parseGeneration, parseRollState } from "../../core/node/rollState.ts";
import { isAway } from "../../steps/cluster/apiServerAway.ts";
import { groupsIn, isAbsent, listIn, objectIn, ruleListsIn } from "../../steps/cluster/kubeJson.ts";
import { isUnknownKind, KubectlError } from "../../steps/cluster/kubectlError.ts";
import { complete } from "../core/configuration/settings.ts";
import { proven } from "../core/node/realities.ts";
import { answered, assertQuick, assertShowable, assertTold, hostile } from "./hostile.ts";
import { damagedJson, damagedText, odd } from "./inputs.ts";

const kernels = ["5.14.0-570.49.1.el9_6.x86_64+rt", "5.14.0-284.11.1.rt14.296.el9_2.x86_64", "6.12.0-55.el10.aarch64"];
hostile("boot order and kernels", damagedText(...kernels), (kernel) => {
  const found = kernelRelease(kernel);
  if (found !== undefined) assert.ok(kernel.startsWith(found.version) && kernel.length <= 64);
  for (const strategy of ["driver-toolkit", "entitled-ubi"] as const) {
    const problem = kernelProblem(kernel, strategy);
    if (problem !== undefined) assertTold(told("OKMM-UNEXPECTED", problem));
  }
  assert.match(ubiImage(kernel) ?? "registry", /^registry/);
  for (const name of [normalizeKernel(kernel), dnsKernel(kernel)]) assert.equal(typeof name, "string");
  assert.ok(
    !forKernel("r/x:${KERNEL_FULL_VERSION}", kernel).includes("${KERNEL_FULL_VERSION}") || kernel.includes("$"),
  );
});

test("a kernel's name that is made to be slow is read in no time", async () => {
  assert.equal(await assertQuick(200, () => kernelRelease(`5.14.0-${".rt1.el9".repeat(5000)}`)), undefined);
});

const { node, nmc } = proven("worker-0", 3);
const list = { apiVersion: "v1", kind: "List", items: [node, { metadata: { name: "worker-0" }, ...nmc }] };
const version = { groupVersion: "apps/v1", version: "v1" };
const groups = { groups: [{ name: "apps", versions: [version], preferredVersion: version }] };
const absence = { kind: "Status", reason: "NotFound", details: { name: "onload", kind: "secrets" } };
const printed = fc.oneof(
  damagedJson(list, node, groups, [{ verbs: ["get"], apiGroups: [""] }], absence).map((value) => JSON.stringify(value)),
  damagedText(JSON.stringify(list)),
);
hostile("kubectl's objects", printed, async (json) => {
  for (const item of (await answered(() => listIn(json, "get nodes"))) ?? []) assertObject(item);
  const one = await answered(() => objectIn(json, "get node worker-0"));
  if (one !== undefined) assertObject(one);
  for (const { verbs } of (await answered(() => ruleListsIn(json, 1)))?.[0] ?? []) assert.ok(Array.isArray(verbs));
  for (const [group, versions] of (await answered(() => groupsIn(json))) ?? [])
    assert.ok([group, ...versions].every((each) => typeof each === "string"));
  assert.equal(typeof isAbsent(json, "onload"), "boolean");
});

function assertObject(value: unknown): void {
  const { metadata } = value as { metadata: { name: unknown; labels?: object } };
  assert.equal(typeof metadata.name, "string");
  for (const label of Object.values(metadata.labels ?? {})) assert.equal(typeof label, "string");
}

test("what an API server answers comes as it is, and a Secret that can't be read is not quoted", () => {
  assert.deepEqual(listIn(JSON.stringify(list), "get nodes"), list.items);
  assert.throws(
    () => objectIn('{"data":{"cert":"c2VjcmV0', "get secrets x"),
    (error: unknown) => {
      assert.doesNotMatch(String(error), /c2Vj/);
      return true;
    },
  );
});

const complaints = [
  "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
  'Error from server (NotFound): nodes "worker-0" not found',
  'error: the server doesn\'t have a resource type "modules"',
  'Error from server (InternalError): failed calling webhook "x": failed to call webhook: Post "https://a/b": dial tcp: i/o timeout',
  'Get "https://'.repeat(2000),
  `Error from server: ${"1".repeat(100_000)}`,
];
hostile("kubectl's errors", damagedText(...complaints), (stderr) => {
  const error = new KubectlError(`kubectl get nodes: ${stderr}`, stderr);
  assertTold(error.told);
  assert.equal(isAway(stderr), isAway(stderr));
  assert.equal(isUnknownKind(stderr), error.isUnknownKind);
  if (error.reason !== undefined) assert.match(error.reason, /^[A-Za-z]+$/);
});

const rolling = { phase: "drain", stack: "prod", version: "v1", bootId: "b", since: "2026-01-01T00:00:00Z" };
const settings = { ...schema.parse({ ...complete }), nodes: ["worker-0"] };
const memory = { signed: { "1-2-3": "sha256:1" }, spoilt: ["1-2"] };
const kept = { ...policyAnnotations(settings), ...imageMemoryAnnotations(memory) };
const anyAnnotation = fc.tuple(
  fc.oneof(
    damagedJson(rolling).map((value) => JSON.stringify(value)),
    damagedText(JSON.stringify(rolling)),
  ),
  fc.constantFrom(...Object.keys(kept)),
  fc.oneof(
    odd,
    damagedJson([1, "a"], { a: "b" }).map((value) => JSON.stringify(value)),
  ),
);
hostile("stack's annotations", anyAnnotation, ([text, key, value]) => {
  const state = parseRollState(text);
  if (state !== undefined)
    for (const member of [state.phase, state.stack, state.bootId, state.since]) assert.equal(typeof member, "string");
  const generation = parseGeneration(value);
  assert.ok(Number.isSafeInteger(generation) && generation >= 0);
  for (const read of [parsePolicy, parseImageMemory]) {
    try {
      read({ ...kept, [key]: value });
    } catch (error) {
      assertTold(told("OKMM-ANNOTATION-BROKEN", (error as Error).message));
    }
  }
});

test("annotations as this program writes them are read again", () => {
  assert.deepEqual(parseRollState(JSON.stringify(rolling)), rolling);
  const { rollout, enrolment, build } = settings;
  assert.deepEqual(parsePolicy(kept), {
    rollout,
    enrolment,
    build: { timeoutMinutes: build.timeoutMinutes },
    nodes: ["worker-0"],
  });
  assert.deepEqual(parseImageMemory(kept), memory);
  assert.throws(() => parseImageMemory({ [annotations.spoilt]: "\u001b[2J".repeat(9999) }), /characters cut/);
});

const answer = { ...nothingSeen, nodes: [proven("worker-0", 1)] };
const answers = fc.oneof(
  damagedJson(answer, { node: "worker-0", state: "loaded" }).map((value) => JSON.stringify(value)),
  damagedText(JSON.stringify(answer)),
);
hostile("steps' answers", answers, (text) => {
  for (const terms of [inspectCluster, rollNode]) {
    try {
      assert.deepEqual(readAnswer<unknown>(terms, text), JSON.parse(text));
    } catch (error) {
      assert.match((error as Error).message, /^the answer of the step \w+ (doesn't fit its contract: |is no JSON)/);
      assertShowable((error as Error).message, 3000);
    }
  }
});
