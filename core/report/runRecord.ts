/** The first record of an `up`: what is wanted, and what each listed node was before the first change. */
import type { InputOf } from "../contracts/contract.ts";
import type { inspectCluster } from "../contracts/inspectCluster.ts";
import { moduleName } from "../names.ts";
import { loadedImage } from "../node/nodeState.ts";
import { trustedBy, type NodeReality } from "../node/reality.ts";
import type { NodeBefore, RunRecord } from "./records.ts";

type Look = InputOf<typeof inspectCluster>;

export function runRecord(
  { cluster, intent, release, mode }: Look,
  { maxParallel }: NonNullable<Look["run"]>,
  found: readonly NodeReality[],
): Omit<RunRecord, "event" | "at"> {
  const before = new Map(found.map((reality) => [reality.node.metadata.name, nodeBefore(reality, intent.namespace)]));
  const nodes = intent.nodes.map(({ name, hold }) => ({ name, hold, before: before.get(name) }));
  return { verb: "up", stack: intent.stack, cluster: cluster.id, release, mode, maxParallel, nodes };
}

function nodeBefore({ node, nmc, machine }: NodeReality, namespace: string): NodeBefore {
  const { kernelVersion, bootID } = node.status.nodeInfo;
  return {
    ...{ kernel: kernelVersion, bootId: bootID, image: loadedImage(nmc, { namespace, module: moduleName }) },
    trusted: trustedBy(machine),
    ...(machine !== undefined && ("unreachable" in machine ? machine : { secureBoot: machine.secureBoot })),
  };
}
