import type { MachineIdentity } from "../../core/node/nodeIdentity.ts";
import type { RollNode } from "../../core/node/nodeState.ts";
import { StepError } from "../lib/step.ts";

/**
 * The Node, when it still is the machine that `preview` saw.
 *
 * @throws StepError when it is gone, or another one under the same name
 */
export function sameMachine(
  node: RollNode | undefined,
  expected: MachineIdentity & { readonly kernel?: string },
): RollNode {
  if (node === undefined) {
    throw new StepError(
      "OKMM-NODE-GONE",
      `${expected.name}: the node is gone; remove it from onload-kmm:nodes, or let it join, and run again`,
    );
  }
  const { machineID, systemUUID, kernelVersion } = node.status.nodeInfo;
  const changes = [
    ["Node object", node.metadata.uid, expected.uid],
    ["machine ID", machineID, expected.machineId],
    ["system UUID", systemUUID, expected.systemUuid],
    ["kernel", kernelVersion, expected.kernel ?? kernelVersion],
  ].filter(([, now, before]) => now !== before);
  if (changes.length === 0) return node;
  const what = changes.map(([part, now, before]) => `${part ?? ""} ${now ?? ""} instead of ${before ?? ""}`).join(", ");
  throw new StepError(
    "OKMM-NODE-CHANGED",
    `${expected.name} changed since this run began: ${what}; run \`pulumi up\` again to use what is there now`,
  );
}
