import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { machineIdentity } from "../node/nodeIdentity.ts";
import { sshTarget } from "../node/sshTarget.ts";
import { contract } from "./contract.ts";

export const importKey = contract({
  program: "importKey",
  input: z.object({
    cluster: clusterAccess,
    stack: z.string(),
    node: machineIdentity,
    ssh: sshTarget,
    /** The signing certificate in PEM. */
    certificate: z.string(),
    /** crypt(5) hash of the password that MokManager asks for. */
    passwordHash: z.string(),
  }),
  secrets: ["passwordHash"],
  answer: z.object({
    node: z.string(),
    /** State of the key on the node; null while an earlier run reboots it. */
    key: z.string().nullable(),
  }),
});
