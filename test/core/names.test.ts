import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { kmm, moduleName, nodeLease, slotLeases, stackNameProblem } from "../../core/names.ts";

/** What Kubernetes takes as an object's name (RFC 1123 subdomain), and as a label's value. */
const objectName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** What Pulumi takes as a stack's name. */
const stack = fc.stringMatching(/^[A-Za-z0-9_.-]{1,100}$/);

test("there is one Lease for each node that may be out of service, and Kubernetes takes its name", () => {
  fc.assert(
    fc.property(stack, fc.integer({ min: 1, max: 20 }), (name, maxParallel) => {
      const leases = slotLeases(name, maxParallel);
      assert.equal(new Set(leases).size, maxParallel);
      leases.forEach((lease) => assert.match(lease, objectName));
    }),
  );
});

test("a wider roll-out keeps the Leases of a narrower one, so that both count the same nodes", () => {
  assert.deepEqual(slotLeases("prod", 3).slice(0, 2), slotLeases("prod", 2));
});

test("a node's Lease isn't the kubelet's own, which has the node's name", () => {
  assert.notEqual(nodeLease("worker-1"), "worker-1");
});

for (const good of ["dev", "my_stack", "v1.2", "A", "a".repeat(63)]) {
  test(`the stack's name ${good} may be`, () => assert.equal(stackNameProblem(good), undefined));
}
for (const bad of ["-dev", "dev_", ".dev", "a".repeat(64)]) {
  test(`the stack's name ${bad} is refused, for it can't be a label's value`, () => {
    const problem = stackNameProblem(bad) ?? "";
    assert.ok(problem.includes(`found "${bad}"`));
    assert.match(problem, /at most 63 characters.*pulumi stack rename/);
  });
}

test("KMM's labels are those that KMM 2.4 reads and writes", () => {
  assert.equal(kmm.versionLabel("ns", moduleName), "kmm.node.kubernetes.io/version-module.ns.onload");
  assert.equal(kmm.readyLabel("ns", moduleName), "kmm.node.kubernetes.io/ns.onload.ready");
});

test("KMM's longest label for the Module has a name of at most 63 characters in the longest namespace", () => {
  // KMM 2.4 sets `beta.kmm.node.kubernetes.io/version-device-plugin.<ns>.<module>` by itself.
  const namespace = "n".repeat(40 - moduleName.length);
  assert.ok(`version-device-plugin.${namespace}.${moduleName}`.length <= 63);
});
