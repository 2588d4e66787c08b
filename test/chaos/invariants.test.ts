/** Each invariant holds of a whole stack, and sees what is wrong with a broken one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelModules } from "../../core/names.ts";
import { falseProofs, leftBehind, leftOut, liftedByUs, lostEnrolments, lostKey, missingObjects } from "./invariants.ts";
import type { MachineFacts, NodeFacts, Snapshot } from "./snapshot.ts";

const key = "aa";
const image = "registry/onload-kmod:1";

const machine: MachineFacts = {
  name: "worker-1",
  bootId: "boot",
  kernel: "5.14",
  secureBoot: true,
  systemUuid: "board",
  enrolled: [key],
  modules: kernelModules.map((name) => live(name, `SRC-${name}`)),
  images: { [image]: { digest: "sha256:1", paths: [], modules: kernelModules.map((name) => file(name)) } },
};

const node: NodeFacts = { name: "worker-1", cordoned: false, ours: false, phase: undefined, marks: [], taints: [] };

const proof = { node: "worker-1", state: "proven", bootId: "boot", image } as Snapshot["state"]["proofs"][number];

const whole: Snapshot = {
  nodes: [node],
  machines: [machine],
  state: { proofs: [proof], certificate: key, objects: ["v1 Namespace onload-kmm"] },
  objects: new Set(["v1 Namespace onload-kmm", "v1 Namespace default"]),
};

const told = { rolled: ["worker-1"], disturbed: [] };

function live(name: string, srcversion: string): MachineFacts["modules"][number] {
  return { name, outOfTree: true, version: "9", srcversion, signer: "us", verified: true, usedBy: [] };
}

function file(name: string, signerFingerprint = key): MachineFacts["images"][string]["modules"][number] {
  const rest = { path: name, outOfTree: true, version: "9", signer: "us", kernel: "5.14", needs: [] };
  return { ...rest, name, srcversion: `SRC-${name}`, signerFingerprint };
}

const withMachine = (changes: Partial<MachineFacts>): Snapshot => ({
  ...whole,
  machines: [{ ...machine, ...changes }],
});

test("a node that is cordoned by us, or bears our note, is left out of service", () => {
  assert.deepEqual(leftOut(whole, told), []);
  assert.match(
    leftOut({ nodes: [{ ...node, ours: true, cordoned: true }] }, told).join(),
    /still cordoned by this stack/,
  );
  assert.match(leftOut({ nodes: [{ ...node, phase: "{load}" }] }, told).join(), /still bears the note/);
  assert.deepEqual(leftOut({ nodes: [{ ...node, ours: true }] }, { rolled: [] }), [], "a held node may stay out");
});

test("a true proof is believed, and one of a node that was disturbed isn't looked at", () => {
  assert.deepEqual(falseProofs(whole, told), []);
  assert.deepEqual(falseProofs(withMachine({ modules: [] }), { ...told, disturbed: ["worker-1"] }), []);
});

for (const [what, snapshot, says] of [
  ["no proof", { ...whole, state: { ...whole.state, proofs: [] } }, /isn't proven/],
  ["a boot after the proof", withMachine({ bootId: "next" }), /proven in another boot/],
  ["a module that isn't live", withMachine({ modules: machine.modules.slice(1) }), /onload isn't live/],
  [
    "a module of another build",
    withMachine({ modules: [live("onload", "OLD"), ...machine.modules.slice(1)] }),
    /isn't the one of/,
  ],
  [
    "a module that the kernel couldn't verify",
    withMachine({ modules: machine.modules.map((each) => ({ ...each, verified: false })) }),
    /not verified/,
  ],
  [
    "the in-tree driver",
    withMachine({ modules: machine.modules.map((each) => ({ ...each, outOfTree: false })) }),
    /sfc isn't live/,
  ],
  ["a key that isn't enrolled", withMachine({ enrolled: [] }), /doesn't trust the key/],
  [
    "another signer",
    withMachine({
      images: { [image]: { digest: "", paths: [], modules: kernelModules.map((name) => file(name, "bb")) } },
    }),
    /signed by another key/,
  ],
  ["an image that never was on the node", withMachine({ images: {} }), /was never given/],
  ["no machine", { ...whole, machines: [] }, /has no machine/],
] as const) {
  test(`a proof is false with ${what}`, () => assert.match(falseProofs(snapshot, told).join(), says));
}

test("an object of the state that the cluster doesn't have is missing", () => {
  assert.deepEqual(missingObjects(whole), []);
  assert.deepEqual(missingObjects({ ...whole, objects: new Set() }), ["v1 Namespace onload-kmm is gone"]);
});

test("a key that is gone, or another one, is lost; a first one isn't", () => {
  const of = (certificate: string | undefined) => ({ state: { ...whole.state, certificate } });
  assert.deepEqual(lostKey(of("aa"), of("aa")), []);
  assert.deepEqual(lostKey(of(undefined), of("aa")), []);
  assert.match(lostKey(of("aa"), of("bb")).join(), /another signing certificate/);
  assert.match(lostKey(of("aa"), of(undefined)).join(), /has lost the signing certificate/);
});

test("an enrolled key may go with its mainboard only", () => {
  assert.deepEqual(lostEnrolments([machine], [machine]), []);
  assert.deepEqual(lostEnrolments([machine], [{ ...machine, enrolled: [] }]), ["worker-1's MokList has lost aa"]);
  assert.deepEqual(lostEnrolments([machine], [{ ...machine, systemUuid: "new", enrolled: [] }]), []);
});

test("what a destroy leaves is seen: objects, Leases and marks on nodes", () => {
  const empty = { nodes: [node], objects: new Set(["v1 Namespace default", "v1 Pod default/onload-kmm"]) };
  assert.deepEqual(leftBehind(empty, "onload-kmm"), []);
  assert.equal(leftBehind({ ...empty, objects: whole.objects }, "onload-kmm").length, 1);
  const lease = "coordination.k8s.io/v1 Lease kube-node-lease/onload-kmm-slot-dev-1";
  assert.equal(leftBehind({ ...empty, objects: new Set([lease]) }, "onload-kmm").length, 1);
  assert.match(
    leftBehind({ ...empty, nodes: [{ ...node, marks: ["onload-kmm.io/stack"] }] }, "onload-kmm").join(),
    /bears/,
  );
});

test("somebody else's cordon or taint that was taken off is seen", () => {
  const others = { cordoned: ["worker-1"], tainted: ["worker-1"], taint: "theirs" };
  assert.deepEqual(liftedByUs([{ ...node, cordoned: true, taints: ["theirs"] }], others), []);
  assert.equal(liftedByUs([node], others).length, 2);
});
