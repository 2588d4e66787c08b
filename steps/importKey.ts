/**
 * Asks for the key's enrolment at the node's next boot, without an outage. Looks first: a key that is trusted already, or
 * asked for, is left alone.
 */
import { importKey } from "../core/contracts/importKey.ts";
import { rollOf, type RollNode } from "../core/node/nodeState.ts";
import { connect, type KubeObject } from "./cluster/kubectl.ts";
import { sameMachine } from "./node/nodeInput.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { progress, runStep } from "./lib/step.ts";

await runStep(importKey, async ({ cluster, stack, node: expected, ssh, certificate, passwordHash }) => {
  const { name } = expected;
  const kubectl = await connect(cluster);
  const node = sameMachine(await kubectl.get<RollNode & KubeObject>("nodes", name), expected);
  if (rollOf(node, stack)?.phase === "reboot") {
    // It may stand in MokManager, out of SSH's reach. Its roll-out answers it there, and asks again once it is back.
    progress(`${name}: an earlier run is rebooting it; the roll-out requests the enrolment once it is back`);
    return { node: name, key: null };
  }
  const key = await new NodeMachine(name, ssh, certificate).requestEnrolment(passwordHash, "keep");
  progress(`${name}: key ${key}${key === "pending" ? ", MokManager asks for it at the next boot" : ""}`);
  return { node: name, key };
});
