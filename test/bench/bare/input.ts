import type { Counts } from "../kinds.ts";

/** What the bare program is told. */
export interface BareInput {
  readonly counts: Counts;
  /** Path of the sandbox's kubeconfig. */
  readonly kubeconfig: string;
  /** Names of the Nodes, one for each NodePatch. */
  readonly nodes: readonly string[];
}

/** Environment variable with a {@link BareInput} as JSON. */
export const bareVariable = "ONLOAD_KMM_BARE";
