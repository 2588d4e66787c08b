import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

export const closeGate = contract({
  program: "closeGate",
  input: z.object({
    cluster: clusterAccess,
    node: z.string(),
    /** The Module's namespace and name. */
    namespace: z.string(),
    module: z.string(),
    /** As the Node names it. A node that boots another one runs this step again. */
    kernel: z.string(),
  }),
  answer: z.object({ node: z.string() }),
});
