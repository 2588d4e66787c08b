import {
  podOf,
  whyBuildWaits,
  type BuildPod,
  type EventObject,
  type WaitingBuild,
} from "../../core/build/waitingBuild.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { StepError } from "../lib/step.ts";

/**
 * Looks for why OpenShift doesn't start a Build; undefined while no reason is known.
 *
 * @param earlier names of Builds that must end before it
 */
export async function whyWaiting(
  kubectl: Kubectl,
  namespace: string,
  build: WaitingBuild,
  earlier: readonly string[] = [],
): Promise<string | undefined> {
  try {
    const [pod, events] = await Promise.all([
      kubectl.get<KubeObject & BuildPod>("pods", podOf(build), namespace),
      kubectl.list<KubeObject & EventObject>("events", "-n", namespace),
    ]);
    return whyBuildWaits(build, { pod, events, earlier });
  } catch (error) {
    // A user who may not read pods or events still gets what the Build itself says.
    if (error instanceof StepError) return whyBuildWaits(build, { events: [], earlier });
    throw error;
  }
}
