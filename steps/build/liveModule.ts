import { tagOf } from "../../core/build/imageTag.ts";
import type { LiveModule } from "../../core/cluster/ownObjects.ts";
import type { Expected, ModuleTarget } from "../../core/node/nodeState.ts";
import { readImageMemory } from "./imageMemory.ts";
import { storeOf } from "./imageStore.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { StepError } from "../lib/step.ts";

const kind = "modules.kmm.sigs.x-k8s.io";

/** @throws StepError unless the cluster has the Module in just this version, which is a hash of all that reloads */
export async function requireModule(kubectl: Kubectl, node: string, wanted: ModuleTarget): Promise<void> {
  const { namespace, name, version } = wanted;
  const live = await kubectl.get<LiveModule & KubeObject>(kind, name, namespace);
  if (live === undefined) {
    throw new StepError(
      "OKMM-MODULE-MISSING",
      `${node}: the Module ${namespace}/${name} isn't in the cluster: somebody deleted it. The node was not touched; ` +
        "run `pulumi up` without --target, which creates it again",
    );
  }
  const found = live.spec.moduleLoader?.container?.version ?? "none";
  if (found === version) return;
  throw new StepError(
    "OKMM-MODULE-VERSION",
    `${node}: the Module ${namespace}/${name} in the cluster has version ${found}, not ${version}. The node was not touched; ` +
      "run `pulumi up` without --target, which changes and builds it first",
  );
}

/**
 * @throws StepError unless this image is known to be signed: a node that loads another one loses its in-tree driver first,
 * and then refuses the new one. Whatever KMM reports
 */
export async function requireSigned(kubectl: Kubectl, node: string, { namespace, image }: Expected): Promise<void> {
  const tag = tagOf(image);
  const [{ signed }, pushed] = await Promise.all([
    readImageMemory(kubectl, namespace),
    storeOf(kubectl, namespace, image).digests([tag]),
  ]);
  // One that the registry has lost may still be on the node.
  if (signed[tag] !== undefined && (pushed[tag] ?? signed[tag]) === signed[tag]) return;
  throw new StepError(
    "OKMM-IMAGE-UNSIGNED",
    `${node}: it isn't known whether ${image} is signed. This run did nothing to the node; run \`pulumi up\` without --target, ` +
      "which builds and signs it first, or raise onload-kmm:rebuild",
  );
}
