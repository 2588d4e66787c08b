import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { enrolmentSecrets } from "../firmware/enrolmentSecrets.ts";
import { sshTarget } from "../node/sshTarget.ts";
import { contract } from "./contract.ts";

export const leaveNode = contract({
  program: "leaveNode",
  input: z.object({
    cluster: clusterAccess,
    stack: z.string(),
    node: z.string(),
    ssh: sshTarget,
    /** The signing certificate in PEM. */
    certificate: z.string(),
    enrolment: enrolmentSecrets,
    /** Command that opens the serial console. */
    console: z.string().optional(),
    /** The Module's namespace and name. */
    namespace: z.string(),
    module: z.string(),
  }),
  secrets: ["enrolment"],
  beginsRun: true,
  answer: z.object({
    node: z.string(),
    /** How the node was let go: `unloaded`, `gone` or `not ready`. */
    left: z.enum(["unloaded", "gone", "not ready"]),
  }),
});
