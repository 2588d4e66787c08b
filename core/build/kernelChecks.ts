import { told, type Told } from "../errors.ts";
import { kernelsWithoutToolkit } from "./buildTrouble.ts";
import { names } from "../names.ts";
import type { ClusterFacts, Intent } from "../cluster/inspection.ts";
import { kernelDoubt, kernelProblem } from "./kernelRelease.ts";
import type { RollNode } from "../node/nodeState.ts";
import { isMapped } from "../cluster/ownObjects.ts";

/**
 * Why no modules can be built for a listed node's kernel: known before the build, which takes minutes. Held nodes count: KMM
 * builds for every node that is selected.
 */
export function kernelProblems(intent: Intent, facts: ClusterFacts): Told[] {
  const toolkitless = withoutToolkit(intent, facts);
  return listed(intent, facts).flatMap(({ node, index }) => {
    const kernel = node.status.nodeInfo.kernelVersion;
    const problem =
      kernelProblem(kernel, intent.strategy) ?? (toolkitless.includes(kernel) ? noToolkit(node) : undefined);
    if (problem === undefined) return [];
    return [
      told(
        "OKMM-KERNEL-UNBUILDABLE",
        `onload-kmm:nodes[${index}].name: found "${node.metadata.name}", but nothing can be built for its kernel ${kernel}: ${problem}, or ` +
          "remove the node from the list",
      ),
    ];
  });
}

export function kernelWarnings(intent: Intent, facts: ClusterFacts): Told[] {
  return listed(intent, facts).flatMap(({ node }) => {
    const kernel = node.status.nodeInfo.kernelVersion;
    const doubt = kernelDoubt(kernel, intent.strategy);
    return doubt === undefined
      ? []
      : [told("OKMM-KERNEL-REPOSITORY", `${node.metadata.name}: kernel ${kernel}: ${doubt}`)];
  });
}

function listed(intent: Intent, facts: ClusterFacts): { node: RollNode; index: number }[] {
  return intent.nodes.flatMap(({ name }, index) => {
    const node = facts.nodes.find(({ metadata }) => metadata.name === name);
    return node === undefined ? [] : [{ node, index }];
  });
}

/**
 * Listed nodes' kernels that no Driver Toolkit fits. One that the Module has a mapping for was built for, and may be there
 * still: in a cluster's upgrade the toolkit of nodes that wait for their turn goes first.
 */
function withoutToolkit(intent: Intent, facts: ClusterFacts): string[] {
  const { toolkitTags, module, nodes } = facts;
  if (intent.strategy !== "driver-toolkit" || toolkitTags === undefined) return [];
  const kernels = listed(intent, facts)
    .map(({ node }) => node.status.nodeInfo.kernelVersion)
    .filter((kernel) => module === undefined || !isMapped(kernel, module));
  return kernelsWithoutToolkit(kernels, nodes, toolkitTags);
}

const noToolkit = ({ status: { nodeInfo } }: RollNode): string =>
  `the ImageStream ${names.toolkitNamespace}/${names.toolkitImageStream} has no tag for its OS version ` +
  `(${nodeInfo.osImage ?? "unknown"}); finish the cluster's upgrade, or set onload-kmm:build.strategy to entitled-ubi`;
