import { kmmKernel } from "./imageTag.ts";
import { labels } from "../names.ts";
import type { RollNode } from "../node/nodeState.ts";
import { isMapped, literalKernels, type LiveModule } from "../cluster/ownObjects.ts";

interface Found {
  readonly stack: string;
  /** Names of the listed nodes. */
  readonly listed: readonly string[];
  readonly nodes: readonly RollNode[];
  /** The Module as it is; undefined before the first `up`. */
  readonly module?: LiveModule | undefined;
}

/**
 * Kernels that the Module needs a mapping for, sorted: those of listed nodes, and, if it has a mapping for them, those of
 * nodes that are still selected. KMM unloads a node whose kernel matches no mapping; for a kernel that never had a mapping
 * it would load. As long as the Module has them all it stays as it is: a kernel that no node runs any more goes with the next
 * change.
 */
export function moduleKernels({ stack, listed, nodes, module }: Found): string[] {
  const needed = nodes
    .filter(({ metadata, status }) => {
      if (listed.includes(metadata.name)) return true;
      return metadata.labels?.[labels.stack] === stack && isMapped(status.nodeInfo.kernelVersion, module);
    })
    .map(({ status }) => kmmKernel(status.nodeInfo.kernelVersion));
  const live = module === undefined ? [] : literalKernels(module);
  const kept = needed.every((kernel) => live.includes(kernel)) ? live : needed;
  return [...new Set(kept)].sort();
}
