import { z } from "zod";
import type { RollNode } from "../../core/node/nodeState.ts";
import { StepError } from "../lib/step.ts";

/** The one machine that a step is about; see NodeIdentity in core/cluster/inspection.ts. */
export const identitySchema = z.object({
  name: z.string(),
  uid: z.string(),
  machineId: z.string(),
  systemUuid: z.string(),
});

/** The same, for a step to which it matters what the machine runs. */
export const nodeSchema = identitySchema.extend({
  kernel: z.string(),
});
export type NodeInput = z.infer<typeof nodeSchema>;

/** What shall be loaded: `image` still holds the kernel's variable. */
export const moduleSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  image: z.string(),
});

/** See {@link file://../../core/node/obstacles.ts}. */
export const consentSchema = z.object({ ownNetworkOnSolarflare: z.boolean(), withoutPorts: z.boolean() });

/** By whom and where the node comes to trust the key; how is the policy's. See {@link file://../firmware/firmwareBoot.ts}. */
export const enrolmentSchema = z.object({
  passwordHash: z.string(),
  password: z.string().optional(),
  bmc: z.object({ url: z.string(), fingerprint: z.string(), user: z.string(), password: z.string() }).optional(),
});

/**
 * The Node, when it still is the machine that `preview` saw.
 *
 * @throws StepError when it is gone, or another one under the same name
 */
export function sameMachine(
  node: RollNode | undefined,
  expected: z.infer<typeof identitySchema> & { readonly kernel?: string },
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
