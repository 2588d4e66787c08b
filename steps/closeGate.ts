/**
 * Closes KMM's gate on a node that has booted a kernel which the Module has no mapping for, before the Module gets one: KMM
 * would load as soon as the image is built, and so take the in-tree driver away under whatever runs there by now. The node
 * loads in its turn instead, drained.
 */
import { closeGate } from "../core/contracts/closeGate.ts";
import { kmm } from "../core/names.ts";
import { kmmAccount, versionOn, type NodeModulesConfig, type RollNode } from "../core/node/nodeState.ts";
import { isMapped, type LiveModule } from "../core/cluster/ownObjects.ts";
import { connect, type KubeObject } from "./cluster/kubectl.ts";
import { progress, runStep } from "./lib/step.ts";

await runStep(closeGate, async ({ cluster, node: name, kernel, ...module }) => {
  const kubectl = await connect(cluster);
  const node = await kubectl.get<KubeObject & RollNode>("nodes", name);
  if (node === undefined || versionOn(node, module) === undefined) return { node: name };
  const { namespace } = module;
  const live = await kubectl.get<KubeObject & LiveModule>("modules.kmm.sigs.x-k8s.io", module.module, namespace);
  const nmc = await kubectl.get<KubeObject & NodeModulesConfig>("nodemodulesconfigs.kmm.sigs.x-k8s.io", name);
  // What is loaded on the running system stays: without its label KMM would unload it.
  if (isMapped(kernel, live) || ["loaded", "changing", "unloading"].includes(kmmAccount(node, nmc, module)))
    return { node: name };
  const patch = { metadata: { labels: { [kmm.versionLabel(namespace, module.module)]: null } } };
  await kubectl.run(["patch", "node", name, "--type=merge", "-p", JSON.stringify(patch)]);
  progress(`${name}: runs ${kernel} now; KMM must not load anything there before the node's turn`);
  return { node: name };
});
