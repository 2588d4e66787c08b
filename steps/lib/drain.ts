import { kmm } from "../../core/names.ts";
import { undrained, type DisruptionBudget, type DrainedPod } from "../../core/undrained.ts";
import type { Kubectl } from "./kubectl.ts";
import { progress, StepError } from "./step.ts";

/** Most seconds for a look at what is still on the node. */
const lookSeconds = 5;

/**
 * Evicts a node's pods as the Machine Config Operator does, PodDisruptionBudgets respected.
 *
 * @throws StepError when that takes longer than `minutes`, tries after an API server's absence counted in, with the pods
 * that are still there
 */
export async function drainNode(kubectl: Kubectl, node: string, minutes: number): Promise<void> {
  progress(`${node}: draining, at most ${minutes} min`);
  const options = ["--ignore-daemonsets", "--delete-emptydir-data", "--force"];
  // KMM's workers come and go by themselves; one in the middle of its work must not be evicted.
  const others = `--pod-selector=!${kmm.workerActionLabel}`;
  try {
    await kubectl.runWithin(minutes * 60, (left) => ["drain", node, ...options, `--timeout=${left}s`, others]);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    const left = await stillThere(kubectl, node);
    throw new StepError(
      `${node}: draining failed and the node stays cordoned: ${error.message}\n${left.map((line) => `${line}\n`).join("")}` +
        "Look for the PodDisruptionBudget or pod that it names, mend it, and run `pulumi up` again; " +
        "onload-kmm:rollout.drainTimeoutMinutes gives evictions more time",
    );
  }
}

/** kubectl names pods without what keeps them; who may not list these reads kubectl's words alone. */
async function stillThere(kubectl: Kubectl, node: string): Promise<string[]> {
  try {
    const pods = await list<DrainedPod>(kubectl, "pods", `--field-selector=spec.nodeName=${node}`);
    return undrained(pods, await list<DisruptionBudget>(kubectl, "poddisruptionbudgets.policy"));
  } catch (error) {
    if (error instanceof StepError) return [];
    throw error;
  }
}

/** All of a kind, in all namespaces; from an API server that is there, for the drain's time is over. */
async function list<T>(kubectl: Kubectl, ...what: string[]): Promise<T[]> {
  const json = await kubectl.runWithin(lookSeconds, () => ["get", ...what, "-A", "-o", "json"]);
  return (JSON.parse(json) as { items: T[] }).items;
}
