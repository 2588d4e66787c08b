import assert from "node:assert/strict";
import { test } from "node:test";
import type { RollNode } from "../../../core/node/nodeState.ts";
import { sameMachine, type NodeInput } from "../../../steps/node/nodeInput.ts";
import { StepError } from "../../../steps/lib/step.ts";

const seen: NodeInput = {
  name: "worker-1",
  uid: "u",
  machineId: "m",
  systemUuid: "s",
  kernel: "5.14.0-1.el9.x86_64+rt",
};
const node = (uid: string, nodeInfo: Partial<RollNode["status"]["nodeInfo"]> = {}): RollNode => ({
  metadata: { name: "worker-1", uid },
  status: {
    nodeInfo: { bootID: "b", kernelVersion: seen.kernel, machineID: "m", systemUUID: "s", ...nodeInfo },
  },
});

test("the machine that preview saw is the same after a reboot", () => {
  const rebooted = node("u", { bootID: "another" });
  assert.equal(sameMachine(rebooted, seen), rebooted);
});

const others: [what: string, found: RollNode | undefined, message: RegExp][] = [
  ["a node that is gone", undefined, /worker-1: the node is gone; take it off onload-kmm:nodes, or let it join/],
  ["a node that joined anew", node("v"), /Node object v instead of u; run `pulumi up` again/],
  ["a reinstalled machine", node("u", { machineID: "n" }), /machine ID n instead of m/],
  ["another mainboard", node("u", { systemUUID: "t" }), /system UUID t instead of s/],
  ["another kernel", node("u", { kernelVersion: "6.12" }), /kernel 6\.12 instead of 5\.14\.0-1\.el9\.x86_64\+rt/],
  [
    "another machine altogether",
    node("v", { machineID: "n" }),
    /Node object v instead of u, machine ID n instead of m/,
  ],
];
for (const [what, found, message] of others) {
  test(`${what} is not worked on`, () => {
    assert.throws(
      () => sameMachine(found, seen),
      (error: unknown) => error instanceof StepError && message.test(error.message),
    );
  });
}
