import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

export const guardDestroy = contract({
  program: "guardDestroy",
  input: z.object({
    cluster: clusterAccess,
    /** Whether the engine refuses to delete the signing key. Absent in the state of an older version. */
    keyIsProtected: z.boolean().optional(),
  }),
  answer: z.object({}),
});
