import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { contract } from "./contract.ts";

export const uploadSrpm = contract({
  program: "uploadSrpm",
  input: z.object({
    cluster: clusterAccess,
    namespace: z.string(),
    release: z.object({ package: z.string(), sha256: z.string(), version: z.string() }),
    /** The image's tag, a hash of its content; the BuildConfig pushes to it. */
    tag: z.string(),
    /** UID of the ImageStream. Not looked at: another one makes the step run again. */
    stream: z.string().optional(),
    /** A repository of a registry outside of the cluster; absent: the image goes to the ImageStream. */
    repository: z.string().optional(),
    /** Path of the Dockerfile, relative to the project. */
    dockerfile: z.string(),
    /** Further files of the context, relative to the project. */
    files: z.array(z.string()),
    /** Directory on the bastion for build logs. */
    logDirectory: z.string(),
  }),
  /** The image by digest. */
  answer: z.object({ image: z.string() }),
});
