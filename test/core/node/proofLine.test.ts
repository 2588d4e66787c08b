import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeProof } from "../../../core/contracts/proveNode.ts";
import { heldLine, proofLine } from "../../../core/node/proofLine.ts";

const fingerprint = "3F:2A:91:C0:55:66:77";
const kernel = "5.14.0-570.49.1.el9_6.x86_64";
const proof: NodeProof = {
  node: "worker-1",
  state: "proven",
  secureBoot: "enabled",
  key: "enrolled",
  kernel,
  bootId: "boot",
  image: `registry:5000/onload-kmm/onload-kmod:9.0.2.140-0123456789ab-${kernel}`,
  version: "ba9876543210",
};
const { version } = proof;

/** Of which nothing more is known. */
const { node, secureBoot } = proof;
const unknown = { node, secureBoot, kernel };

const table: readonly [what: string, found: NodeProof, line: string][] = [
  [
    "a proven node",
    proof,
    `proven, OpenOnload 9.0.2.140, version ${version}, kernel ${kernel}, key 3F:2A:91:C0 enrolled`,
  ],
  [
    "a key in the firmware's db",
    { ...proof, key: "in-db" },
    `proven, OpenOnload 9.0.2.140, version ${version}, kernel ${kernel}, key 3F:2A:91:C0 in-db`,
  ],
  [
    "Secure Boot off",
    { ...proof, secureBoot: "disabled", key: null },
    `proven, OpenOnload 9.0.2.140, version ${version}, kernel ${kernel}, key not needed`,
  ],
  [
    "no Secure Boot at all",
    { ...proof, secureBoot: "unsupported", key: "unsupported" },
    `proven, OpenOnload 9.0.2.140, version ${version}, kernel ${kernel}, key not needed`,
  ],
  [
    "an image with another's tag",
    { ...proof, image: "registry:5000/onload:latest" },
    `proven, version ${version}, kernel ${kernel}, key 3F:2A:91:C0 enrolled`,
  ],
  [
    "a key that waits for the operator's own reboot",
    { ...unknown, state: "pending", key: "pending" },
    `pending, reboot it in a window of your own, kernel ${kernel}, key 3F:2A:91:C0 pending`,
  ],
  [
    "a key of which nothing is known",
    { ...unknown, state: "pending", key: null },
    `pending, reboot it in a window of your own, kernel ${kernel}, key 3F:2A:91:C0 unknown`,
  ],
];
for (const [what, found, line] of table) {
  test(`${what} in one line`, () => {
    assert.equal(proofLine(found, fingerprint), line);
  });
}

const nodeInfo = { bootID: "boot", kernelVersion: kernel, machineID: "m", systemUUID: "s" };
const module = { namespace: "ns", module: "onload" };
const held = (labels: Record<string, string>) =>
  heldLine({ metadata: { name: "worker-1", uid: "u", labels }, status: { nodeInfo } }, module);

test("a held node is told by its label", () => {
  assert.equal(held({}), `held, without OpenOnload, kernel ${kernel}`);
  const label = "kmm.node.kubernetes.io/version-module.ns.onload";
  assert.equal(held({ [label]: "v1" }), `held, version v1, kernel ${kernel}`);
});
