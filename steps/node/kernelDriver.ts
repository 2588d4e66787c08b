/** The kernel's own driver, back on a node whose modules were unloaded: KMM leaves that to the next boot. */
import { kernelDriverProblems } from "../../core/node/machineState.ts";
import { isReady, type RollNode } from "../../core/node/nodeState.ts";
import { kernelDriverSeconds } from "../../core/patience.ts";
import { BootPatience } from "../firmware/bootPatience.ts";
import { now } from "../lib/clock.ts";
import type { NodeMachine } from "./nodeMachine.ts";
import type { NodeOutage } from "./nodeOutage.ts";
import { progress, StepError } from "../lib/step.ts";
import { waitUntil, type Look } from "../lib/wait.ts";

export interface KernelDriverContext {
  readonly name: string;
  readonly outage: Pick<NodeOutage, "read" | "stateOf" | "enter">;
  readonly machine: Pick<NodeMachine, "state" | "loadKernelDriver">;
  readonly loadTimeoutMinutes: number;
}

/**
 * Loads the kernel's own driver and sees each Solarflare port with an interface again. A node that doesn't answer stays
 * cordoned, and so does one that lacks interfaces: a boot repairs both, and the next run goes on from there.
 *
 * @returns whether the node may serve again; false where interfaces are missing though it has booted since it was unloaded
 * @throws StepError when they are missing, or nobody knows, in the boot in which it was unloaded
 */
export async function bringKernelDriverBack(context: KernelDriverContext): Promise<boolean> {
  const { name, outage, machine } = context;
  const node = await outage.read();
  if (node === undefined) return true;
  if (outage.stateOf(node) === undefined) {
    // In service: where all is well, or soon is, it need not go out.
    if (isReady(node) && (await whyMissing(machine)) === undefined) return true;
    await outage.enter(node, "leave");
  }
  const limit = Math.min(kernelDriverSeconds, context.loadTimeoutMinutes * 60);
  const waiting = {
    timeoutSeconds: limit,
    error: "OKMM-DRIVER-MISSING" as const,
    remedy: "the node stays cordoned: reboot it, which loads the kernel's own driver, then run the same command again",
  };
  const found = await waitUntil(`${name} to run the kernel's own driver`, waiting, look(context, limit));
  progress(`${name}: ${found.said}`);
  return found.isFit;
}

/** How it ended: whether the node may serve again, and what its operator should know. */
interface Outcome {
  readonly isFit: boolean;
  readonly said: string;
}

function look({ name, outage, machine, ...limits }: KernelDriverContext, limit: number): () => Promise<Look<Outcome>> {
  const patience = new BootPatience(limits.loadTimeoutMinutes);
  const startedAt = now();
  const isLate = () => now() - startedAt >= (limit * 1000) / 2;
  const done = (isFit: boolean, said: string) => ({ done: { isFit, said } });
  return async () => {
    const node = await outage.read();
    if (node === undefined) return done(true, "the node is gone");
    const state = patience.look(node);
    if (state === "dead") {
      return done(true, "isn't Ready and leaves as it is: its next boot loads the kernel's own driver");
    }
    if (state === "booting") return { missing: "the node isn't Ready" };
    const missing = await whyMissing(machine);
    if (missing === undefined) return done(true, "the kernel's own driver is back");
    if (!hasBooted(outage, node) || !isLate()) return { missing };
    // Nothing of ours is in this boot: what is wrong with it is the machine's own, and nothing to wait for.
    return done(false, `stays cordoned: ${missing}, in a boot without OpenOnload; fix it, then uncordon ${name}`);
  };
}

/** Whether the node has booted since it was unloaded. */
const hasBooted = (outage: KernelDriverContext["outage"], node: RollNode): boolean =>
  outage.stateOf(node)?.bootId !== node.status.nodeInfo.bootID;

/** Loads the driver where it is missing; undefined when each port has its interface. */
async function whyMissing(machine: KernelDriverContext["machine"]): Promise<string | undefined> {
  const problems = async () => kernelDriverProblems(await machine.state());
  try {
    if ((await problems()).length === 0) return undefined;
    const failures = await machine.loadKernelDriver().then(() => [], reasons);
    const left = await problems();
    return left.length === 0 ? undefined : [...left, ...failures].join("; ");
  } catch (error) {
    return reasons(error).join("; ");
  }
}

function reasons(error: unknown): string[] {
  if (error instanceof StepError) return [error.message];
  throw error;
}
