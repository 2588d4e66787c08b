/** Users of the modules: modules in use can't be unloaded, nor can the kernel's own, and KMM only tries again and again. */
import { lastingUsers, userText, type ModuleUser } from "../../core/node/moduleUsers.ts";
import { lettingGoSeconds } from "../../core/patience.ts";
import type { NodeMachine } from "./nodeMachine.ts";
import type { NodeOutage } from "./nodeOutage.ts";
import { Unreachable } from "./ssh.ts";
import { StepError } from "../lib/step.ts";
import { waitUntil, type Look } from "../lib/wait.ts";

type Outage = Pick<NodeOutage, "readPods" | "drains">;
type Machine = Pick<NodeMachine, "users">;

/** All who hold the modules now, as a person knows them. */
export async function whoUses(outage: Outage, machine: Machine): Promise<string[]> {
  const users = await machine.users();
  return texts(outage, users, () => users);
}

/** @throws StepError when somebody holds the modules whom no drain ends; nothing has been changed by then */
export async function requireUnused(name: string, outage: Outage, machine: Machine): Promise<void> {
  const users = await machine.users();
  const lasting = await texts(outage, users, (pods) => lastingUsers(users, pods, outage.drains));
  if (lasting.length === 0) return;
  const which = outage.drains ? "which a drain doesn't stop" : "which nothing stops while rollout.drain is off";
  throw new StepError(
    "OKMM-NODE-INUSE",
    `${name}: the modules are in use by ${lasting.join(", ")}, ${which}: loading would fail half-way. Stop that and run again, ` +
      "or set the node's `hold: true` to continue without it. The node was not touched",
  );
}

/**
 * Waits on a drained node until nobody holds the modules any more: its driver is still there then.
 *
 * @throws StepError when somebody does for too long
 */
export async function untilUnused(name: string, outage: Outage, machine: Machine): Promise<void> {
  const remedy =
    "the node stays cordoned, with the driver that it had: stop what uses the modules and run the same command again";
  await waitUntil(
    `${name}'s modules to be unused`,
    { timeoutSeconds: lettingGoSeconds, error: "OKMM-UNLOAD-INUSE", remedy },
    async (): Promise<Look<true>> => {
      const users = await whoUses(outage, machine).catch(away);
      if (users.length === 0) return { done: true };
      return { missing: `in use by ${users.join(", ")}` };
    },
  );
}

/** Who can't be asked just now tells nothing; whether the driver comes is seen all the same. */
function away(error: unknown): string[] {
  if (error instanceof Unreachable) return [];
  throw error;
}

/** Pods are read only where a process runs in one. */
async function texts(
  outage: Outage,
  users: readonly ModuleUser[],
  which: (pods: Awaited<ReturnType<Outage["readPods"]>>) => readonly ModuleUser[],
): Promise<string[]> {
  const pods = users.some(({ pod }) => pod !== null) ? await outage.readPods() : [];
  return which(pods).map((user) => userText(user, pods));
}
