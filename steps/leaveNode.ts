/** A node leaves the stack: its modules are unloaded, our cordon lifted, our marks taken off. A node that is gone is let go. */
import { z } from "zod";
import { whyNotUnloaded } from "../core/nodeState.ts";
import { connect } from "./lib/kubectl.ts";
import { NodeOutage } from "./lib/nodeOutage.ts";
import { clusterSchema, progress, runStep } from "./lib/step.ts";
import { waitUntil, type Look } from "./lib/wait.ts";

const input = z.object({
  cluster: clusterSchema,
  stack: z.string(),
  node: z.string(),
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
  if ((await outage.read()) === undefined) {
    progress(`${name}: the node is gone; nothing to unload`);
    return { node: name, left: "gone" };
  }
  await outage.alone(async () => {
    if ((await unloadedLook()) !== undefined) await unload();
    const node = await outage.read();
    if (node === undefined) return;
    await outage.setVersion(step.namespace, step.module, undefined);
    await outage.leave(node);
  });
  return { node: name, left: "unloaded" };

  async function unloadedLook(): Promise<string | undefined> {
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
      const missing = await unloadedLook();
      return missing === undefined ? { done: true } : { missing };
    });
  }
});
