/**
 * The whole outage of one node: cordon, drain, enrol the key where Secure Boot needs it, let KMM load this version, see it
 * run, uncordon. Looks first and acts only where needed; killed anywhere and run again, it goes on. A node that fails
 * stays cordoned.
 */
import { z } from "zod";
import { connect } from "./cluster/kubectl.ts";
import { firmwareAccess } from "./firmware/firmwareAccess.ts";
import { clusterSchema, runStep } from "./lib/step.ts";
import { consentSchema, enrolmentSchema, moduleSchema, nodeSchema } from "./node/nodeInput.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { roll } from "./node/phases/roll.ts";
import { sshSchema } from "./node/ssh.ts";

const input = z.object({
  cluster: clusterSchema,
  stack: z.string(),
  node: nodeSchema,
  module: moduleSchema,
  /** Which time this is; see {@link file://../core/node/reality.ts}. */
  generation: z.number(),
  ssh: sshSchema,
  /** The signing certificate in PEM. */
  certificate: z.string(),
  enrolment: enrolmentSchema,
  /** Command that opens the serial console. */
  console: z.string().optional(),
  consent: consentSchema,
});

export type RollInput = z.infer<typeof input>;

await runStep(input, async (step) => {
  const kubectl = await connect(step.cluster);
  const machine = new NodeMachine(step.node.name, step.ssh, step.certificate);
  return roll(step, { kubectl, machine, firmware: firmwareAccess });
});
