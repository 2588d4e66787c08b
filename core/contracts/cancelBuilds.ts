import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

export const cancelBuilds = contract({
  program: "cancelBuilds",
  input: z.object({
    cluster: clusterAccess,
    namespace: z.string(),
    /** Label selector of the Builds. */
    selector: z.string(),
  }),
  answer: z.object({ cancelled: z.number() }),
});
