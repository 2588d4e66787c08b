import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

export const releaseModule = contract({
  program: "releaseModule",
  input: z.object({ cluster: clusterAccess, namespace: z.string(), module: z.string() }),
  /** How many builds were cancelled. */
  answer: z.object({ cancelled: z.number() }),
});
