/**
 * A node leaves the stack: its modules are unloaded, the kernel's own driver is loaded again, pending requests are taken
 * back, our cordon is lifted. A node that is gone is let go, and so is one that stays dead: it must not keep the others from
 * leaving. The key stays in
 * MokList or db unless the configuration wants it out: then MokManager deletes it at one reboot, in the same outage; in mode
 * `operator` at the operator's own, and in mode `redfish` the firmware takes it out of db at the next boot, whosever that is.
 */
import { z } from "zod";
import { connect } from "./cluster/kubectl.ts";
import { firmwareAccess } from "./firmware/firmwareAccess.ts";
import { clusterSchema, runStep } from "./lib/step.ts";
import { enrolmentSchema } from "./node/nodeInput.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { leave } from "./node/phases/leave.ts";
import { sshSchema } from "./node/ssh.ts";

const input = z.object({
  cluster: clusterSchema,
  stack: z.string(),
  node: z.string(),
  ssh: sshSchema,
  certificate: z.string(),
  enrolment: enrolmentSchema,
  /** Command that opens the serial console. */
  console: z.string().optional(),
  namespace: z.string(),
  module: z.string(),
});

export type LeaveInput = z.infer<typeof input>;

await runStep(input, async (step) => {
  const kubectl = await connect(step.cluster);
  const machine = new NodeMachine(step.node, step.ssh, step.certificate);
  return leave(step, { kubectl, machine, firmware: firmwareAccess });
});
