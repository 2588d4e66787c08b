import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { enrolmentSecrets } from "../firmware/enrolmentSecrets.ts";
import { nodeIdentity } from "../node/nodeIdentity.ts";
import { moduleTarget } from "../node/nodeState.ts";
import { consent } from "../node/obstacles.ts";
import { sshTarget } from "../node/sshTarget.ts";
import { contract } from "./contract.ts";

export const rollNode = contract({
  program: "rollNode",
  input: z.object({
    cluster: clusterAccess,
    stack: z.string(),
    node: nodeIdentity,
    module: moduleTarget,
    /** Which time this is; see {@link file://../node/reality.ts}. */
    generation: z.number(),
    ssh: sshTarget,
    /** The signing certificate in PEM. */
    certificate: z.string(),
    enrolment: enrolmentSecrets,
    /** Command that opens the serial console. */
    console: z.string().optional(),
    consent,
  }),
  secrets: ["enrolment"],
  answer: z.object({
    node: z.string(),
    /** `loaded`, or `pending` where the key waits for a reboot in the operator's own window. */
    state: z.enum(["loaded", "pending"]),
  }),
});
