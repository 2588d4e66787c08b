import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

export const buildNextKernel = contract({
  program: "buildNextKernel",
  input: z.object({
    cluster: clusterAccess,
    namespace: z.string(),
    module: z.string(),
    /** As `uname -r` will print it. */
    kernel: z.string(),
    image: z.string(),
    /** The Driver Toolkit's image for this kernel. */
    driverToolkit: z.string().optional(),
    /** Directory on the bastion for build logs. */
    logDirectory: z.string(),
  }),
  answer: z.object({ kernel: z.string(), image: z.string(), digest: z.string() }),
});
