import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

const wantedImage = z.object({ kernel: z.string(), image: z.string() });

export const followModuleBuild = contract({
  program: "followModuleBuild",
  input: z.object({
    cluster: clusterAccess,
    namespace: z.string(),
    module: z.string(),
    /** The Module's `version`; passed on to the steps that wait for the images. */
    version: z.string(),
    images: z.array(wantedImage),
    /** Directory on the bastion for build logs. */
    logDirectory: z.string(),
  }),
  answer: z.object({ version: z.string(), images: z.array(wantedImage.extend({ digest: z.string() })).readonly() }),
});
