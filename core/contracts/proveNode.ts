import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { card } from "../node/cards.ts";
import { machineState } from "../node/machineState.ts";
import { nodeIdentity } from "../node/nodeIdentity.ts";
import { moduleTarget } from "../node/nodeState.ts";
import { sshTarget } from "../node/sshTarget.ts";
import { contract, type AnswerOf } from "./contract.ts";

export const proveNode = contract({
  program: "proveNode",
  input: z.object({
    cluster: clusterAccess,
    ssh: sshTarget,
    /** The signing certificate in PEM. */
    certificate: z.string(),
    node: nodeIdentity,
    module: moduleTarget,
    /** Not looked at: what was rolled again is proven again. */
    generation: z.number().optional(),
  }),
  answer: z.object({
    node: z.string(),
    /** `pending`: the key waits for a reboot in the operator's own window, and nothing more is known. */
    state: z.enum(["proven", "pending"]),
    ...machineState.pick({ secureBoot: true, key: true, kernel: true }).shape,
    /** Absent in the answer of an older version. */
    cards: z.array(card).optional(),
    bootId: z.string().optional(),
    image: z.string().optional(),
    version: z.string().optional(),
    /** The live modules, by name. */
    modules: z
      .record(z.string(), z.object({ version: z.string().nullable(), signers: z.array(z.string()) }))
      .optional(),
    interfaces: z
      .array(z.object({ name: z.string(), driver: z.string().nullable(), version: z.string().nullable() }))
      .optional(),
  }),
});

/** What was found on a node; in the state as its component's output, in one line (core/node/proofLine.ts) as the stack's. */
export type NodeProof = AnswerOf<typeof proveNode>;
