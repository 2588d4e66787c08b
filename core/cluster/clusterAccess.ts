import { z } from "zod";

/** Which cluster a step may touch; see `cluster` in {@link file://../configuration/settings.ts}. */
export const clusterAccess = z.object({
  kubeconfig: z.string(),
  context: z.string(),
  /** UID of `kube-system`: each step compares it before anything else. */
  id: z.string(),
});
export type ClusterAccess = z.infer<typeof clusterAccess>;
