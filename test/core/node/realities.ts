/** Nodes as the look before a plan finds them. */
import { annotations, kmm } from "../../../core/names.ts";
import { expectedOn, type ModuleTarget } from "../../../core/node/nodeState.ts";
import type { NodeReality } from "../../../core/node/reality.ts";

export const target: ModuleTarget = {
  namespace: "onload-kmm",
  name: "onload",
  version: "v1",
  image: "registry/onload:${KERNEL_FULL_VERSION}",
};

/** A node in service that runs what {@link target} says, as a good roll-out of this generation leaves it. */
export function proven(name: string, generation: number, module: ModuleTarget = target): NodeReality {
  const kernelVersion = "5.14.0-1.el9.x86_64";
  const { image } = expectedOn(kernelVersion, module);
  const entry = {
    name: module.name,
    namespace: module.namespace,
    config: { containerImage: image, kernelVersion },
  };
  return {
    node: {
      metadata: {
        name,
        uid: `uid-${name}`,
        labels: {
          [kmm.versionLabel(module.namespace, module.name)]: module.version,
          [kmm.readyLabel(module.namespace, module.name)]: "",
        },
        annotations: { [annotations.generation]: String(generation) },
      },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        nodeInfo: { bootID: "b", kernelVersion, machineID: "m", systemUUID: "s" },
      },
    },
    nmc: { spec: { modules: [entry] }, status: { modules: [{ ...entry, bootId: "b" }] } },
    machine: { driver: [], secureBoot: "enabled", trusted: true },
  };
}
