/** Looks, without changing anything, whether one node runs what this stack built; the answer is the stack's output. */
import { z } from "zod";
import { whyNotLoaded, type NodeModulesConfig, type RollNode } from "../core/nodeState.ts";
import { connect, type KubeObject } from "./lib/kubectl.ts";
import { expectedOn, moduleSchema, nodeSchema, sameMachine } from "./lib/nodeInput.ts";
import { clusterSchema, progress, runStep, StepError } from "./lib/step.ts";

const input = z.object({ cluster: clusterSchema, node: nodeSchema, module: moduleSchema });

await runStep(input, async ({ cluster, node: identity, module }) => {
  const kubectl = await connect(cluster);
  const expected = expectedOn(identity, module);
  const [found, nmc] = await Promise.all([
    kubectl.get<RollNode & KubeObject>("nodes", identity.name),
    kubectl.get<NodeModulesConfig & KubeObject>("nodemodulesconfigs.kmm.sigs.x-k8s.io", identity.name),
  ]);
  const node = sameMachine(found, identity);
  const missing = whyNotLoaded(node, nmc, expected);
  if (missing !== undefined) {
    throw new StepError(`${identity.name}: not proven: ${missing}; run \`pulumi up\` again, or look at docs/nodes.md`);
  }
  progress(`${identity.name}: proven, version ${expected.version}`);
  return {
    node: identity.name,
    kernel: identity.kernel,
    bootId: node.status.nodeInfo.bootID,
    image: expected.image,
    version: expected.version,
  };
});
