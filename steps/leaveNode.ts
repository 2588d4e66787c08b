/**
 * A node leaves the stack: its modules are unloaded, pending requests taken back, our cordon lifted, our marks taken off.
 * A node that is gone is let go. The key stays in MokList unless the configuration wants it out.
 */
import { z } from "zod";
import { whyNotUnloaded } from "../core/nodeState.ts";
import { connect } from "./lib/kubectl.ts";
import { enrolmentSchema } from "./lib/nodeInput.ts";
import { NodeMachine } from "./lib/nodeMachine.ts";
import { NodeOutage } from "./lib/nodeOutage.ts";
import { isControlPlane } from "./lib/nodeSafety.ts";
import { sshSchema } from "./lib/ssh.ts";
import { clusterSchema, progress, runStep, StepError } from "./lib/step.ts";
import { waitUntil, type Look } from "./lib/wait.ts";

const input = z.object({
  cluster: clusterSchema,
  stack: z.string(),
  node: z.string(),
  ssh: sshSchema,
  certificate: z.string(),
  enrolment: enrolmentSchema.extend({ removeOnDestroy: z.boolean() }),
  namespace: z.string(),
  module: z.string(),
  maxParallel: z.number(),
  drain: z.boolean(),
  drainTimeoutMinutes: z.number(),
  loadTimeoutMinutes: z.number(),
});

await runStep(input, async (step) => {
  const { node: name } = step;
  const outage = new NodeOutage(await connect(step.cluster), step);
  const machine = new NodeMachine(name, step.ssh, step.certificate);
  const found = await outage.read();
  if (found === undefined) {
    progress(`${name}: the node is gone; nothing to unload`);
    return { node: name, left: "gone" };
  }
  await outage.alone(isControlPlane(found), async () => {
    if ((await stillLoaded()) !== undefined) await unload();
    await settleKey();
    const node = await outage.read();
    if (node === undefined) return;
    await outage.setVersion(step.namespace, step.module, undefined);
    await outage.forget();
    await outage.leave(node);
  });
  return { node: name, left: "unloaded" };

  async function stillLoaded(): Promise<string | undefined> {
    const [node, nmc] = await Promise.all([outage.read(), outage.readModules()]);
    return node && whyNotUnloaded(node, nmc, step);
  }

  async function unload(): Promise<void> {
    const node = await outage.read();
    if (node === undefined) return;
    await outage.enter(node, "leave");
    await outage.drain();
    await outage.setVersion(step.namespace, step.module, undefined);
    progress(`${name}: KMM unloads the modules`);
    const waiting = {
      timeoutSeconds: step.loadTimeoutMinutes * 60,
      remedy:
        `look at pod kmm-worker-${name}-${step.module} in ${step.namespace}: something may still use the modules. ` +
        "Stop it, or reboot the node, and run again",
    };
    await waitUntil(`${name} to unload the modules`, waiting, async (): Promise<Look<true>> => {
      const missing = await stillLoaded();
      return missing === undefined ? { done: true } : { missing };
    });
  }

  /** A request that nobody answers would open MokManager at some later boot. */
  async function settleKey(): Promise<void> {
    if (step.enrolment.mode === "off") return;
    try {
      await machine.revokeRequests();
      if (step.enrolment.removeOnDestroy && (await machine.requestDeletion(step.enrolment.passwordHash))) {
        progress(`${name}: MokManager will ask to delete the key at the next reboot (\`npm run mok-password\`)`);
      }
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      progress(`${name}: requests to MokManager could not be looked at: ${error.message}`);
    }
  }
});
