/**
 * A node leaves the stack: its modules are unloaded, the kernel's own driver is loaded again, pending requests are taken
 * back, our cordon is lifted. A node that is gone is let go, and so is one that stays dead: it must not keep the others from
 * leaving. The key stays in
 * MokList or db unless the configuration wants it out: then MokManager deletes it at one reboot, in the same outage; in mode
 * `operator` at the operator's own, and in mode `redfish` the firmware takes it out of db at the next boot, whosever that is.
 */
import { leaveNode } from "../core/contracts/leaveNode.ts";
import { connect } from "./cluster/kubectl.ts";
import { firmwareAccess } from "./firmware/firmwareAccess.ts";
import { runStep } from "./lib/step.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { leave } from "./node/phases/leave.ts";

await runStep(leaveNode, async (step) => {
  const kubectl = await connect(step.cluster);
  const machine = new NodeMachine(step.node, step.ssh, step.certificate);
  return leave(step, { kubectl, machine, firmware: firmwareAccess });
});
