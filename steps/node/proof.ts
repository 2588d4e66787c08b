/** Whether a node runs what this stack built: KMM's account of it, and the machine's own. */
import type { InputOf } from "../../core/contracts/contract.ts";
import type { NodeProof, proveNode } from "../../core/contracts/proveNode.ts";
import { cardsOf } from "../../core/node/cards.ts";
import { driverProblems, isTrusted, type MachineState } from "../../core/node/machineState.ts";
import { expectedOn, isReady, whyNotLoaded, type NodeModulesConfig, type RollNode } from "../../core/node/nodeState.ts";
import { readyToProveSeconds } from "../../core/patience.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { readPolicy } from "../cluster/policy.ts";
import { progress, StepError } from "../lib/step.ts";
import { waitUntil } from "../lib/wait.ts";
import { sameMachine } from "./nodeInput.ts";
import type { Machine } from "./nodeMachine.ts";

/**
 * Looks, without changing anything, whether one node runs what this stack built.
 *
 * @throws StepError `OKMM-PROOF-FAILED` with everything that is missing; a node that isn't Ready is waited for
 */
export async function prove(
  { node: identity, module }: Pick<InputOf<typeof proveNode>, "node" | "module">,
  { kubectl, machine }: { readonly kubectl: Kubectl; readonly machine: Pick<Machine, "state"> },
): Promise<NodeProof> {
  const { name } = identity;
  const expected = expectedOn(identity.kernel, module);
  const [policy, found, nmc, state] = await Promise.all([
    readPolicy(kubectl, module.namespace),
    readyNode(kubectl, name),
    kubectl.get<NodeModulesConfig & KubeObject>("nodemodulesconfigs.kmm.sigs.x-k8s.io", name),
    machine.state(),
  ]);
  const node = sameMachine(found, identity);
  const firmware = {
    ...{ node: name, secureBoot: state.secureBoot, key: state.key, kernel: state.kernel },
    cards: cardsOf(state),
  };
  if (policy.enrolment.mode === "operator" && !isTrusted(state)) {
    progress(`${name}: pending, key ${state.key ?? "unknown"}`);
    return { ...firmware, state: "pending" };
  }
  const missing = [whyNotLoaded(node, nmc, expected), ...driverProblems(state)].filter((why) => why !== undefined);
  if (missing.length > 0) {
    throw new StepError(
      "OKMM-PROOF-FAILED",
      `${name}: not proven: ${missing.join("; ")}; run \`pulumi up\` again, or look at docs/nodes.md`,
    );
  }
  progress(`${name}: proven, version ${expected.version}`);
  return {
    ...firmware,
    state: "proven",
    bootId: state.bootId,
    image: expected.image,
    version: expected.version,
    modules: liveModules(state),
    interfaces: state.interfaces.map(({ name, driver, version }) => ({ name, driver, version })),
  };
}

/** The Node once it is Ready; one that is gone at once. */
function readyNode(kubectl: Kubectl, name: string): Promise<(RollNode & KubeObject) | undefined> {
  const waiting = {
    timeoutSeconds: readyToProveSeconds,
    error: "OKMM-NODE-NOTREADY" as const,
    remedy: "fix the node, and run `pulumi up` again",
  };
  return waitUntil(`${name}, to be proven`, waiting, async () => {
    const node = await kubectl.get<RollNode & KubeObject>("nodes", name);
    return node === undefined || isReady(node) ? { done: node } : { missing: "the node isn't Ready" };
  });
}

/** Version and signers of each live module; how it came to be there is proven already. */
function liveModules({ modules }: MachineState) {
  return Object.fromEntries(
    Object.entries(modules).map(([name, module]) => [
      name,
      { version: module?.version ?? null, signers: module?.signers ?? [] },
    ]),
  );
}
