import { parsePolicy, type Policy } from "../../core/configuration/policy.ts";
import type { Kubectl, KubeObject } from "./kubectl.ts";
import { StepError } from "../lib/step.ts";

/**
 * The policy of the stack with this namespace, as the last `up` left it.
 *
 * @throws StepError when an annotation doesn't hold what this program writes
 */
export async function readPolicy(kubectl: Kubectl, namespace: string): Promise<Policy> {
  const found = await kubectl.get<KubeObject & Annotated>("namespaces", namespace);
  try {
    return parsePolicy(found?.metadata.annotations);
  } catch (error) {
    throw new StepError("OKMM-ANNOTATION-BROKEN", `namespace ${namespace}: ${(error as Error).message}`);
  }
}

interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}
