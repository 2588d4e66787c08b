import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

export const keepIdentity = contract({
  program: "keepIdentity",
  input: z.object({ stack: z.string(), cluster: clusterAccess, namespace: z.string() }),
  /** The same, the cluster by its ID. */
  answer: z.object({ stack: z.string(), namespace: z.string(), cluster: z.string() }),
  remembers: true,
});
