/** Looks, without changing anything, whether one node runs what this stack built; the answer is the stack's output. */
import { proveNode } from "../core/contracts/proveNode.ts";
import { connect } from "./cluster/kubectl.ts";
import { runStep } from "./lib/step.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { prove } from "./node/proof.ts";

await runStep(proveNode, async (step) => {
  const kubectl = await connect(step.cluster);
  return prove(step, { kubectl, machine: new NodeMachine(step.node.name, step.ssh, step.certificate) });
});
