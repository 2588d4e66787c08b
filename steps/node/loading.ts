import { driverProblems, type MachineState } from "../../core/node/machineState.ts";
import { names } from "../../core/names.ts";
import { whyNotLoaded, whyNotUnloaded, type Expected, type RollNode } from "../../core/node/nodeState.ts";
import type { WorkerPod } from "../../core/node/workerPod.ts";
import { driverSeconds, pullSeconds, workerSeconds } from "../../core/patience.ts";
import { now } from "../lib/clock.ts";
import { untilUnused } from "./moduleUse.ts";
import type { Machine } from "./nodeMachine.ts";
import type { NodeOutage } from "./nodeOutage.ts";
import { Unreachable } from "./ssh.ts";
import { progress, StepError } from "../lib/step.ts";
import { waitUntil, type Look, type Waiting } from "../lib/wait.ts";
import { WorkerAccount } from "./workerAccount.ts";

export interface LoadingContext {
  readonly name: string;
  readonly outage: NodeOutage;
  readonly machine: Machine;
  readonly expected: Expected;
  readonly loadTimeoutMinutes: number;
  readonly readNode: () => Promise<RollNode>;
}

/**
 * Opens KMM's gate on a drained node, and sees this version loaded: by KMM's account, then by the node's own. Where these
 * two differ the modules are unloaded and loaded once more: KMM loads again what it believes lost (a Node or
 * NodeModulesConfig made again, a worker that ended before the new boot was known), and such a second load takes the
 * running `sfc` for the in-tree one and removes it, while `modprobe onload` finds onload live and does nothing.
 *
 * @throws StepError when somebody still uses the modules that go, the image can't be pulled, or the modules aren't loaded in time
 */
export async function load(context: LoadingContext): Promise<void> {
  const { name, outage, machine, expected } = context;
  const node = await context.readNode();
  await outage.enter(node, "load", expected.version);
  const isLoaded = whyNotLoaded(node, await outage.readModules(), expected) === undefined;
  if (!isLoaded) await untilUnused(name, outage, machine);
  const problems = await loadOnce(context, driverSeconds);
  if (problems === undefined) return;
  progress(`${name}: KMM is done, but ${problems}: unloading and loading once more`);
  await outage.setVersion(expected.namespace, expected.module, undefined);
  const account = new WorkerAccount(outage, machine, expected.namespace);
  await waitUntil(
    `${name} to unload the modules`,
    waiting(context, "OKMM-UNLOAD-TIMEOUT"),
    async (): Promise<Look<true>> => {
      const [node, nmc, worker] = await Promise.all([
        context.readNode(),
        outage.readModules(),
        outage.readWorker(expected.namespace, expected.module),
      ]);
      const missing = whyNotUnloaded(node, nmc, expected);
      return missing === undefined ? { done: true } : { missing: (await account.of(worker))?.text ?? missing };
    },
  );
  await loadOnce(context, Infinity);
}

/** Answers when the driver runs, or what is wrong with it `patienceSeconds` after KMM was done. */
async function loadOnce(context: LoadingContext, patienceSeconds: number): Promise<string | undefined> {
  const { name, outage, expected } = context;
  await outage.setVersion(expected.namespace, expected.module, expected.version);
  progress(`${name}: KMM may load version ${expected.version} now`);
  const patience = new WorkerPatience(context);
  let doneSince: number | undefined;
  return await waitUntil(
    `${name} to load the modules`,
    waiting(context, "OKMM-LOAD-TIMEOUT"),
    async (): Promise<Look<string | undefined>> => {
      const [node, nmc, worker] = await Promise.all([
        context.readNode(),
        outage.readModules(),
        outage.readWorker(expected.namespace, expected.module),
      ]);
      const missing = whyNotLoaded(node, nmc, expected);
      if (missing !== undefined) {
        doneSince = undefined;
        return { missing: (await patience.look(worker)) ?? missing };
      }
      const found = await stateOrWhy(context.machine);
      if (typeof found === "string") return { missing: `KMM is done, but ${found}` };
      doneSince ??= now();
      const problems = driverProblems(found).join(", ");
      if (problems === "") return { done: undefined };
      if (now() - doneSince >= patienceSeconds * 1000) return { done: problems };
      return { missing: `KMM is done, but ${problems}` };
    },
  );
}

/** The machine's state, or why it can't be asked: a connection that is lost may come back. */
async function stateOrWhy(machine: Machine): Promise<MachineState | string> {
  try {
    return await machine.state();
  } catch (error) {
    if (error instanceof Unreachable) return error.message;
    throw error;
  }
}

const waiting = ({ loadTimeoutMinutes }: LoadingContext, error: Waiting["error"]): Waiting => ({
  error,
  timeoutSeconds: loadTimeoutMinutes * 60,
  setting: "rollout.loadTimeoutMinutes",
  remedy: "the node stays cordoned; fix the cause and run `pulumi up` again",
});

/**
 * What KMM doesn't report: that it can't make a worker pod, and a worker that hangs before it starts. It never replaces
 * the latter, whatever is fixed: somebody must delete it.
 */
class WorkerPatience {
  readonly #context: LoadingContext;
  readonly #account: WorkerAccount;
  #since: number | undefined;
  #absentSince: number | undefined = now();

  constructor(context: LoadingContext) {
    this.#context = context;
    this.#account = new WorkerAccount(context.outage, context.machine, context.expected.namespace);
  }

  /** What is wrong with the worker, if anything; gives up on one that hangs too long. */
  async look(worker: WorkerPod | undefined): Promise<string | undefined> {
    this.#absentSince = worker === undefined ? (this.#absentSince ?? now()) : undefined;
    await this.#requireAccount();
    const trouble = await this.#account.of(worker);
    if (worker === undefined || trouble?.hangsForEver !== true) {
      this.#since = undefined;
      return trouble?.text;
    }
    this.#since ??= now();
    if (now() - this.#since < pullSeconds * 1000) return trouble.text;
    const { outage, name, expected } = this.#context;
    await outage.deletePod(expected.namespace, worker.metadata.name);
    throw new StepError(
      "OKMM-LOAD-PULL",
      `${name}: ${trouble.text}. The node stays cordoned. Check the registry and the pull secrets of the ServiceAccount, ` +
        "then run `pulumi up` again",
    );
  }

  async #requireAccount(): Promise<void> {
    if (this.#absentSince === undefined || now() - this.#absentSince < workerSeconds * 1000) return;
    this.#absentSince = now();
    const { outage, name, expected } = this.#context;
    if (await outage.hasWorkerAccount(expected.namespace)) return;
    throw new StepError(
      "OKMM-LOAD-ACCOUNT",
      `${name}: KMM can't make its worker pod: somebody deleted the ServiceAccount ${names.serviceAccount} in namespace ` +
        `${expected.namespace}. The node stays cordoned; run \`pulumi up\` again, which creates it again`,
    );
  }
}
