/** What is built for the nodes, and which release of OpenOnload each of them gets: two sentences of a preview. */
import { forKernel, kmmKernel, releaseOrTag, tagOf } from "../build/imageTag.ts";
import { moduleName } from "../names.ts";
import { loadedImage, type ModuleTarget } from "./nodeState.ts";
import type { NodeReality } from "./reality.ts";
import { counted } from "../words.ts";

/** What images are needed for. */
export interface Wanted {
  /** What nodes are to load; undefined while it isn't known: then nothing of it is built yet. */
  readonly target: ModuleTarget | undefined;
  /** The listed nodes, held ones too: KMM builds for all of their kernels. */
  readonly nodes: readonly NodeReality[];
  /** Kernels to build for before a node boots them. */
  readonly nextKernels: readonly string[];
  /** Tags of the images that KMM has built and signed for this stack. */
  readonly signed: readonly string[];
}

/** Kernels with no image yet, and how many nodes run each. */
export function kernelsToBuild({ target, nodes, nextKernels, signed }: Wanted): ReadonlyMap<string, number> {
  const loaded = nodes.flatMap(({ nmc }) => (target && loadedImage(nmc, { ...target, module: target.name })) ?? []);
  const built = [...signed, ...loaded.map(tagOf)];
  const running = nodes.map(({ node }) => kmmKernel(node.status.nodeInfo.kernelVersion));
  const kernels = [...new Set([...running, ...nextKernels.map(kmmKernel)])];
  const missing = kernels.filter((kernel) => !target || !built.includes(tagOf(forKernel(target.image, kernel))));
  return new Map(missing.map((kernel) => [kernel, running.filter((other) => other === kernel).length]));
}

/** `2 images are built: for 5.14.0-570.49.1.el9_6.x86_64 (2 nodes), 5.14.0-611.el9.x86_64 (no node yet).` */
export function buildSentence(kernels: ReadonlyMap<string, number>): string[] {
  if (kernels.size === 0) return [];
  const each = [...kernels].map(
    ([kernel, nodes]) => `${kernel} (${nodes === 0 ? "no node yet" : counted(nodes, "node")})`,
  );
  return [`${kernels.size === 1 ? "1 image is" : `${kernels.size} images are`} built: for ${each.join(", ")}.`];
}

/**
 * `OpenOnload: 9.0.2.140 → 9.1.0 on 2 nodes, none → 9.1.0 on 1 node.`
 *
 * @param release the one that is wanted
 */
export function releaseSentence(nodes: readonly NodeReality[], namespace: string, release: string): string[] {
  if (nodes.length === 0) return [];
  const before = nodes.map(({ nmc }) => {
    const image = loadedImage(nmc, { namespace, module: moduleName });
    return image === undefined ? "none" : releaseOrTag(image);
  });
  const each = [...new Set(before)].map((old) => {
    const change = old === release ? `${release} again` : `${old} → ${release}`;
    return `${change} on ${counted(before.filter((other) => other === old).length, "node")}`;
  });
  return [`OpenOnload: ${each.join(", ")}.`];
}
