/** A node's leaving of the stack: what is looked at first, and the phases of its time out of service. */
import { leavePhases } from "../../../core/node/phases.ts";
import { isControlPlane, isReady, versionOn, whyNotUnloaded, type RollNode } from "../../../core/node/nodeState.ts";
import { readPolicy } from "../../cluster/policy.ts";
import type { Kubectl } from "../../cluster/kubectl.ts";
import { takeOutOfDb } from "../../firmware/bmcEnrolment.ts";
import { BootPatience } from "../../firmware/bootPatience.ts";
import { removeKey } from "../../firmware/enrolment.ts";
import { scriptOf, type EnrolmentContext } from "../../firmware/firmwareBoot.ts";
import { progress, StepError } from "../../lib/step.ts";
import { waitUntil, type Look } from "../../lib/wait.ts";
import type { AnswerOf, InputOf } from "../../../core/contracts/contract.ts";
import type { leaveNode } from "../../../core/contracts/leaveNode.ts";
import { bringKernelDriverBack } from "../kernelDriver.ts";
import { requireUnused, untilUnused } from "../moduleUse.ts";
import { NodeOutage } from "../nodeOutage.ts";
import { requireNoHealthCheck, requireNoMaintenance } from "../nodeSafety.ts";
import { Unreachable } from "../ssh.ts";
import { WorkerAccount } from "../workerAccount.ts";
import { runPhases, type ActsOf } from "./phase.ts";
import type { Peers } from "./roll.ts";

/** What leaving goes by, before anything of the node is known. */
interface Errand extends EnrolmentContext {
  readonly step: InputOf<typeof leaveNode>;
  readonly kubectl: Kubectl;
  readonly loadTimeoutMinutes: number;
  readonly removeOnDestroy: boolean;
}

/** What was found before the first act, and how it goes. */
interface Leaving extends Errand {
  readonly found: RollNode;
  /** Whether MokManager has a key to delete. */
  readonly reboots: boolean;
  readonly loaded: boolean;
  /** `not ready`: a dead node is let go as it is. */
  left: Unloaded;
  /** Whether the node may serve again. */
  isFit: boolean;
}

type Unloaded = Exclude<AnswerOf<typeof leaveNode>["left"], "gone">;

/** How a node has left. */
type LeaveAnswer = AnswerOf<typeof leaveNode>;

/** What each phase does; `leavePhases` has their order. */
const acts: ActsOf<typeof leavePhases, Leaving> = {
  check: { applies: goesOut, run: requireFree },
  cordon: { applies: async (leaving) => (await nodeToTakeOut(leaving)) !== undefined, run: takeOut },
  drain: { applies: canDrain, run: ({ outage }) => outage.drain() },
  unload: { applies: async (leaving) => (await stillLoaded(leaving)) !== undefined, run: unload },
  "remove key": { applies: ({ reboots }) => reboots, run: removeKey },
  withdraw: { applies: ({ reboots, enrolment }) => !reboots && enrolment.mode !== "off", run: settleRequests },
  "clear db": { applies: isInDb, run: (leaving) => takeOutOfDb(leaving, leaving.found) },
  driver: { applies: mayLackDriver, run: bringDriverBack },
  uncordon: { run: comeBack },
};

/**
 * Takes one node out of the stack. Cut anywhere and run again, it goes on.
 *
 * @throws StepError before the cordon when the node may not go out of service, nothing changed; after it, the node cordoned
 */
export async function leave(step: InputOf<typeof leaveNode>, peers: Peers): Promise<LeaveAnswer> {
  const errand = await prepare(step, peers);
  const { name, outage } = errand;
  const found = await outage.read();
  if (found === undefined) {
    progress(`${name}: the node is gone; nothing to unload`);
    if (isInDb(errand)) await takeOutOfDb(errand, undefined);
    return { node: name, left: "gone" };
  }
  return outage.alone(isControlPlane(found), async () => {
    const reboots = await keyGoesByReboot(errand, found);
    const loaded = (await stillLoaded(errand)) !== undefined;
    const leaving: Leaving = { ...errand, found, reboots, loaded, left: "unloaded", isFit: true };
    await runPhases(leavePhases, acts, leaving);
    return { node: name, left: leaving.left };
  });
}

async function prepare(step: InputOf<typeof leaveNode>, peers: Peers): Promise<Errand> {
  const { node: name } = step;
  const { rollout, enrolment } = await readPolicy(peers.kubectl, step.namespace);
  const outage = new NodeOutage(peers.kubectl, { ...rollout, stack: step.stack, node: name });
  return {
    ...{ ...peers, step, name, outage },
    enrolment: { ...enrolment, ...step.enrolment, console: step.console },
    certificate: step.certificate,
    loadTimeoutMinutes: rollout.loadTimeoutMinutes,
    removeOnDestroy: enrolment.removeOnDestroy,
    readNode: async () => {
      const node = await outage.read();
      if (node !== undefined) return node;
      throw new StepError(
        "OKMM-NODE-GONE",
        `${name}: the node went away while its key was being deleted; run the same command again`,
      );
    },
  };
}

function isInDb({ enrolment, removeOnDestroy }: Errand): boolean {
  return enrolment.mode === "redfish" && removeOnDestroy;
}

function goesOut({ reboots, loaded }: Leaving): boolean {
  return reboots || loaded;
}

/** Whether MokManager has a key to delete. */
async function keyGoesByReboot(errand: Errand, node: RollNode): Promise<boolean> {
  const { enrolment, removeOnDestroy, outage, machine } = errand;
  if (!removeOnDestroy || !["attended", "console"].includes(enrolment.mode)) return false;
  if (outage.stateOf(node)?.phase === "remove") return true;
  const { key } = isReady(node) ? await machine.state().catch(keyStays) : keyStays("it isn't Ready");
  return key === "enrolled";

  function keyStays(why: unknown): { key: null } {
    if (why instanceof Error && !(why instanceof StepError)) throw why;
    progress(
      `${errand.name}: leaves with the key still in its MokList: ${why instanceof Error ? why.message : String(why)}`,
    );
    return { key: null };
  }
}

/** Nothing was changed when this throws. */
async function requireFree(leaving: Leaving): Promise<void> {
  const { kubectl, name, found, outage, reboots } = leaving;
  if (reboots && outage.stateOf(found)?.phase !== "remove") {
    await requireNoMaintenance(kubectl, found);
    await requireNoHealthCheck(kubectl, found);
    // Without a password a person answers.
    const script = scriptOf(leaving.enrolment);
    if (script !== undefined) await leaving.firmware.tryConsole(name, script.console);
  }
  if (leaving.loaded) await requireUnusedIfKnown(leaving);
}

/** A node that SSH doesn't reach leaves all the same: KMM unloads it. */
async function requireUnusedIfKnown({ name, found, outage, machine }: Leaving): Promise<void> {
  if (!isReady(found) || outage.stateOf(found) !== undefined) return;
  await requireUnused(name, outage, machine).catch((error: unknown) => {
    if (!(error instanceof Unreachable)) throw error;
  });
}

/** The node as it is now, when it must go out; where MokManager was asked already it is drained, and may be away. */
async function nodeToTakeOut(leaving: Leaving): Promise<RollNode | undefined> {
  if (!goesOut(leaving)) return undefined;
  const node = await leaving.outage.read();
  return node === undefined || leaving.outage.stateOf(node)?.phase === "remove" ? undefined : node;
}

async function takeOut(leaving: Leaving): Promise<void> {
  const node = await nodeToTakeOut(leaving);
  if (node !== undefined) await leaving.outage.enter(node, "leave");
}

/** Nothing on a dead node answers an eviction. */
async function canDrain(leaving: Leaving): Promise<boolean> {
  const node = leaving.outage.drains ? await nodeToTakeOut(leaving) : undefined;
  return node !== undefined && isReady(node);
}

async function unload(leaving: Leaving): Promise<void> {
  const { step, name, outage, machine } = leaving;
  const node = await outage.read();
  if (node !== undefined && isReady(node)) await untilUnused(name, outage, machine);
  await outage.setVersion(step.namespace, step.module, undefined);
  progress(`${name}: KMM unloads the modules`);
  const waiting = {
    timeoutSeconds: leaving.loadTimeoutMinutes * 60,
    setting: "rollout.loadTimeoutMinutes",
    error: "OKMM-UNLOAD-TIMEOUT" as const,
    remedy:
      `look at pod kmm-worker-${name}-${step.module} in ${step.namespace}: something may still use the modules. ` +
      "Stop it, or reboot the node, and run again; if there is no such pod, check that KMM itself is running",
  };
  leaving.left = await waitUntil(`${name} to unload the modules`, waiting, unloadedOrDead(leaving));
  if (leaving.left === "unloaded") {
    await outage.noteUnloaded();
    return;
  }
  progress(
    `${name}: isn't Ready and leaves as it is: its next boot unloads the modules and loads the kernel's own driver; ` +
      "until then KMM keeps its Module",
  );
}

async function stillLoaded({ outage, step }: Errand): Promise<string | undefined> {
  const [node, nmc] = await Promise.all([outage.read(), outage.readModules()]);
  return node && whyNotUnloaded(node, nmc, step);
}

function unloadedOrDead(leaving: Leaving): () => Promise<Look<Unloaded>> {
  const { step, outage, machine } = leaving;
  const patience = new BootPatience(leaving.loadTimeoutMinutes);
  const account = new WorkerAccount(outage, machine, step.namespace);
  return async () => {
    const missing = await stillLoaded(leaving);
    const node = await outage.read();
    if (missing === undefined || node === undefined) return { done: "unloaded" };
    const state = patience.look(node);
    if (state === "ready") {
      const worker = await outage.readWorker(step.namespace, step.module);
      return { missing: (await account.of(worker))?.text ?? missing };
    }
    return state === "dead" ? { done: "not ready" } : { missing: `${missing}, and the node isn't Ready` };
  };
}

/** A request that nobody answers would open MokManager at some later boot. */
async function settleRequests({ name, enrolment, machine, removeOnDestroy }: Leaving): Promise<void> {
  try {
    await machine.revokeRequests();
    if (!removeOnDestroy || enrolment.mode !== "operator") return;
    if (await machine.requestDeletion(enrolment.passwordHash)) {
      progress(`${name}: MokManager will ask to delete the key at the next reboot (\`npm run mok-password\`)`);
    }
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    progress(`${name}: requests to MokManager could not be checked: ${error.message}`);
  }
}

/** Whether we, or KMM for us, may have taken the kernel's own driver away, though KMM has nothing to unload any more. */
function mayLackDriver(leaving: Leaving): boolean {
  const { outage, found, step } = leaving;
  const wasRolled = outage.stateOf(found) !== undefined || versionOn(found, step) !== undefined;
  return (goesOut(leaving) || wasRolled) && leaving.left === "unloaded";
}

async function bringDriverBack(leaving: Leaving): Promise<void> {
  leaving.isFit = await bringKernelDriverBack(leaving);
}

/** Puts the node back into service, with the driver that it had before us. */
async function comeBack({ step, outage, isFit }: Leaving): Promise<void> {
  const node = await outage.read();
  if (node === undefined) return;
  await outage.setVersion(step.namespace, step.module, undefined);
  await outage.leave(node, { isFit });
}
