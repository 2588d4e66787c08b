/**
 * The whole outage of one node: cordon, drain, enrol the key where Secure Boot needs it, let KMM load this version, see it
 * run, uncordon. Looks first and acts only where needed; killed anywhere and run again, it goes on. A node that fails
 * stays cordoned.
 */
import { rollNode } from "../core/contracts/rollNode.ts";
import { connect } from "./cluster/kubectl.ts";
import { firmwareAccess } from "./firmware/firmwareAccess.ts";
import { runStep } from "./lib/step.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { roll } from "./node/phases/roll.ts";

await runStep(rollNode, async (step) => {
  const kubectl = await connect(step.cluster);
  const machine = new NodeMachine(step.node.name, step.ssh, step.certificate);
  return roll(step, { kubectl, machine, firmware: firmwareAccess });
});
