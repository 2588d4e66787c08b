/**
 * Asks for the key's enrolment at the node's next boot, without an outage. Looks first: a key that is trusted already, or
 * asked for, is left alone.
 */
import { z } from "zod";
import { rollOf, type RollNode } from "../core/node/nodeState.ts";
import { connect, type KubeObject } from "./cluster/kubectl.ts";
import { identitySchema, sameMachine } from "./node/nodeInput.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { sshSchema } from "./node/ssh.ts";
import { clusterSchema, progress, runStep } from "./lib/step.ts";

const input = z.object({
  cluster: clusterSchema,
  stack: z.string(),
  node: identitySchema,
  ssh: sshSchema,
  /** The signing certificate in PEM. */
  certificate: z.string(),
  /** crypt(5) hash of the password that MokManager asks for. */
  passwordHash: z.string(),
});

await runStep(input, async ({ cluster, stack, node: expected, ssh, certificate, passwordHash }) => {
  const { name } = expected;
  const kubectl = await connect(cluster);
  const node = sameMachine(await kubectl.get<RollNode & KubeObject>("nodes", name), expected);
  if (rollOf(node, stack)?.phase === "reboot") {
    // It may stand in MokManager, out of SSH's reach. Its roll-out answers it there, and asks anew once it is back.
    progress(`${name}: an earlier run is rebooting it; the roll-out requests the enrolment once it is back`);
    return { node: name, key: null };
  }
  const key = await new NodeMachine(name, ssh, certificate).requestEnrolment(passwordHash, "keep");
  progress(`${name}: key ${key}${key === "pending" ? ", MokManager asks for it at the next boot" : ""}`);
  return { node: name, key };
});
