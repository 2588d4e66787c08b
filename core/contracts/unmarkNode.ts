import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

export const unmarkNode = contract({
  program: "unmarkNode",
  input: z.object({
    cluster: clusterAccess,
    stack: z.string(),
    node: z.string(),
    /** The Module's namespace and name, of which KMM's leftovers speak. */
    namespace: z.string(),
    module: z.string(),
  }),
  answer: z.object({ node: z.string() }),
});
