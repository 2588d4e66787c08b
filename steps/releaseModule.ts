/**
 * Right before the Module is deleted, when all nodes have left: KMM must have it loaded nowhere, or the deletion would
 * hang without a word, and must have nothing left to build.
 */
import { releaseModule } from "../core/contracts/releaseModule.ts";
import { isReady, type RollNode } from "../core/node/nodeState.ts";
import { countLease, kmm, labels, slotLeases } from "../core/names.ts";
import { moduleReleaseSeconds } from "../core/patience.ts";
import { cancelBuilds } from "./build/builds.ts";
import { freeLeases } from "./cluster/lease.ts";
import { readPolicy } from "./cluster/policy.ts";
import { connect, type Kubectl, type KubeObject } from "./cluster/kubectl.ts";
import { runStep } from "./lib/step.ts";
import { waitUntil } from "./lib/wait.ts";

await runStep(releaseModule, async ({ cluster, namespace, module }) => {
  const kubectl = await connect(cluster);
  const waiting = {
    timeoutSeconds: moduleReleaseSeconds,
    error: "OKMM-MODULE-HELD" as const,
    remedy:
      "KMM deletes the Module only when it is unloaded everywhere, and a node that isn't Ready can't do that: boot it, or, if the " +
      "machine is gone for good, delete its Node (`kubectl delete node NAME`), and run again",
  };
  await waitUntil(`the Module ${namespace}/${module} to be loaded nowhere`, waiting, async () => {
    const holders = await loadedOn(kubectl, kmm.inUseLabel(namespace, module));
    return holders.length === 0 ? { done: undefined } : { missing: `KMM has it loaded on ${holders.join(", ")}` };
  });
  // A cancelled signing would make KMM start the next build at once: it must have nothing to do first.
  for (const kind of ["moduleimagesconfigs", "modulebuildsignconfigs"]) {
    const object = [`${kind}.kmm.sigs.x-k8s.io`, module, "-n", namespace];
    await kubectl.run(["delete", ...object, "--ignore-not-found", "--wait=false"]);
  }
  const cancelled = await cancelBuilds(kubectl, namespace, `${kmm.moduleNameLabel}=${module}`);
  await freeSlots(kubectl, namespace);
  return { cancelled: cancelled.length };
});

/** A slot that a killed run held may not have been needed since. */
async function freeSlots(kubectl: Kubectl, namespace: string): Promise<void> {
  const found = await kubectl.get("namespaces", namespace);
  const stack = found?.metadata.labels?.[labels.stack];
  if (stack === undefined) return;
  const { rollout } = await readPolicy(kubectl, namespace);
  await freeLeases(kubectl, stack, [...slotLeases(stack, rollout.maxParallel), countLease(stack)]);
}

/** The nodes that KMM's finalizer on the Module waits for. */
async function loadedOn(kubectl: Kubectl, label: string): Promise<string[]> {
  const nmcs = await kubectl.listKnown("nodemodulesconfigs.kmm.sigs.x-k8s.io", "-l", label);
  if (nmcs.length === 0) return [];
  const nodes = await kubectl.list<RollNode & KubeObject>("nodes");
  return nmcs.map(({ metadata: { name } }) => {
    const node = nodes.find(({ metadata }) => metadata.name === name);
    if (node === undefined) return `${name} (gone)`;
    return isReady(node) ? name : `${name} (not Ready)`;
  });
}
