import { listIn } from "../cluster/kubeJson.ts";
import { kmm } from "../../core/names.ts";
import type { RollNode } from "../../core/node/nodeState.ts";
import { selectorWithout, spared, type PlacedPod } from "../../core/node/spared.ts";
import { undrained, type DisruptionBudget, type DrainedPod } from "../../core/node/undrained.ts";
import { undrainedSeconds } from "../../core/patience.ts";
import { now } from "../lib/clock.ts";
import type { Kubectl } from "../cluster/kubectl.ts";
import { progress, StepError } from "../lib/step.ts";

/** Most pods that stay which are named. */
const named = 5;

type Pod = DrainedPod & PlacedPod;

/**
 * Evicts a node's pods as the Machine Config Operator does, PodDisruptionBudgets respected, except those that the roll-out
 * itself waits for and that could run nowhere else (core/node/spared.ts).
 *
 * @throws StepError when that takes longer than `minutes`, tries after an API server's absence counted in, with the pods
 * that are still there
 */
export async function drainNode(kubectl: Kubectl, node: string, minutes: number): Promise<void> {
  progress(`${node}: draining, at most ${minutes} min`);
  const deadline = now() + minutes * 60_000;
  const left = (): number => (deadline - now()) / 1000;
  const options = ["--ignore-daemonsets", "--delete-emptydir-data", "--force"];
  let staying: readonly Pod[] = [];
  try {
    const nodes = await list<RollNode>(kubectl, left(), "nodes");
    staying = spared(node, await podsOn(kubectl, node, left()), nodes);
    tell(node, staying);
    // KMM's workers come and go by themselves; one in the middle of its work must not be evicted.
    const others = `--pod-selector=${[`!${kmm.workerActionLabel}`, ...selectorWithout(staying)].join(",")}`;
    await kubectl.runWithin(left(), (rest) => ["drain", node, ...options, `--timeout=${rest}s`, others]);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    const still = await stillThere(kubectl, node, staying);
    throw new StepError(
      "OKMM-DRAIN-STUCK",
      `${node}: draining failed and the node stays cordoned: ${error.message}\n${still.map((line) => `${line}\n`).join("")}` +
        "Look for the PodDisruptionBudget or pod that it names, fix it, and run `pulumi up` again; " +
        "to allow evictions more time, raise onload-kmm:rollout.drainTimeoutMinutes",
    );
  }
}

function tell(node: string, staying: readonly Pod[]): void {
  if (staying.length === 0) return;
  const all = staying.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  const more = all.length > named ? ` and ${all.length - named} more` : "";
  progress(
    `${node}: stays in place, because this roll-out needs it and no other node can run it: ${all.slice(0, named).join(", ")}${more}`,
  );
}

/** kubectl names pods without what keeps them; who may not list these reads kubectl's words alone. */
async function stillThere(kubectl: Kubectl, node: string, staying: readonly Pod[]): Promise<string[]> {
  const isMeant = ({ metadata: { namespace, name } }: Pod): boolean =>
    !staying.some(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  try {
    const pods = await podsOn(kubectl, node, undrainedSeconds);
    return undrained(
      pods.filter(isMeant),
      await list<DisruptionBudget>(kubectl, undrainedSeconds, "poddisruptionbudgets.policy"),
    );
  } catch (error) {
    if (error instanceof StepError) return [];
    throw error;
  }
}

const podsOn = (kubectl: Kubectl, node: string, seconds: number): Promise<Pod[]> =>
  list<Pod>(kubectl, seconds, "pods", `--field-selector=spec.nodeName=${node}`);

/** All of a kind, in all namespaces, within so many seconds. */
async function list<T>(kubectl: Kubectl, seconds: number, ...what: string[]): Promise<T[]> {
  const json = await kubectl.runWithin(seconds, () => ["get", ...what, "-A", "-o", "json"]);
  return listIn(json, `get ${what.join(" ")}`) as T[];
}
