/**
 * A node leaves the stack: its modules are unloaded, the kernel's own driver is loaded again, pending requests are taken
 * back, our cordon is lifted. A node that is gone is let go, and so is one that stays dead: it must not keep the others from
 * leaving. The key stays in
 * MokList or db unless the configuration wants it out: then MokManager deletes it at one reboot, in the same outage; in mode
 * `operator` at the operator's own, and in mode `redfish` the firmware takes it out of db at the next boot, whosever that is.
 */
import { z } from "zod";
import { isControlPlane, isReady, versionOn, whyNotUnloaded, type RollNode } from "../core/node/nodeState.ts";
import { takeOutOfDb } from "./firmware/bmcEnrolment.ts";
import { BootPatience } from "./firmware/bootPatience.ts";
import { tryConsole } from "./firmware/console/tryConsole.ts";
import { removeKey } from "./firmware/enrolment.ts";
import { bringKernelDriverBack } from "./node/kernelDriver.ts";
import { connect } from "./cluster/kubectl.ts";
import { requireUnused, untilUnused } from "./node/moduleUse.ts";
import { enrolmentSchema } from "./node/nodeInput.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { NodeOutage } from "./node/nodeOutage.ts";
import { requireNoHealthCheck, requireQuiet } from "./node/nodeSafety.ts";
import { readPolicy } from "./cluster/policy.ts";
import { sshSchema, Unreachable } from "./node/ssh.ts";
import { clusterSchema, progress, runStep, StepError } from "./lib/step.ts";
import { waitUntil, type Look } from "./lib/wait.ts";
import { WorkerAccount } from "./node/workerAccount.ts";

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

await runStep(input, async (step) => {
  const { node: name } = step;
  let left = "unloaded";
  const kubectl = await connect(step.cluster);
  const { rollout, enrolment: how } = await readPolicy(kubectl, step.namespace);
  const enrolment = { ...how, ...step.enrolment, console: step.console };
  const outage = new NodeOutage(kubectl, { ...rollout, stack: step.stack, node: name });
  const machine = new NodeMachine(name, step.ssh, step.certificate);
  const isInDb = enrolment.mode === "redfish" && enrolment.removeOnDestroy;
  const found = await outage.read();
  if (found === undefined) {
    progress(`${name}: the node is gone; nothing to unload`);
    if (isInDb) await takeOutOfDb({ ...step, enrolment, name }, undefined);
    return { node: name, left: "gone" };
  }
  await outage.alone(isControlPlane(found), async () => {
    const reboots = await keyGoesByReboot(found);
    const loaded = (await stillLoaded()) !== undefined;
    if (loaded) await requireFree(found);
    if (reboots || loaded) await takeOut();
    if ((await stillLoaded()) !== undefined) await unload();
    if (reboots) await removeKey({ name, enrolment, certificate: step.certificate, outage, machine, readNode });
    else await settleRequests();
    if (isInDb) await takeOutOfDb({ ...step, enrolment, name }, found);
    await comeBack(reboots || loaded || wasRolled(found));
  });
  return { node: name, left };

  /** Whether we, or KMM for us, may have taken the kernel's own driver away, though KMM has nothing to unload any more. */
  function wasRolled(node: RollNode): boolean {
    return outage.stateOf(node) !== undefined || versionOn(node, step) !== undefined;
  }

  /** Puts the node back into service, with the driver that it had before us. */
  async function comeBack(wasOurs: boolean): Promise<void> {
    const mayLack = wasOurs && left === "unloaded";
    const isFit = !mayLack || (await bringKernelDriverBack({ ...rollout, name, outage, machine }));
    const node = await outage.read();
    if (node === undefined) return;
    await outage.setVersion(step.namespace, step.module, undefined);
    await outage.leave(node, { isFit });
  }

  async function readNode(): Promise<RollNode> {
    const node = await outage.read();
    if (node !== undefined) return node;
    throw new StepError(
      "OKMM-NODE-GONE",
      `${name}: the node went away while its key was being deleted; run the same command again`,
    );
  }

  /** Whether MokManager has a key to delete; nothing was changed when this throws. */
  async function keyGoesByReboot(node: RollNode): Promise<boolean> {
    if (!enrolment.removeOnDestroy || !["attended", "console"].includes(enrolment.mode)) return false;
    if (outage.stateOf(node)?.phase === "remove") return true;
    const { key } = isReady(node) ? await machine.state().catch(keyStays) : keyStays("it isn't Ready");
    if (key !== "enrolled") return false;
    await requireQuiet(kubectl, node);
    await requireNoHealthCheck(kubectl, node);
    // Without a password a person answers.
    const { console, password } = enrolment;
    if (enrolment.mode === "console" && console !== undefined && password !== undefined)
      await tryConsole(name, console);
    return true;
  }

  function keyStays(why: unknown): { key: null } {
    if (why instanceof Error && !(why instanceof StepError)) throw why;
    progress(`${name}: leaves with the key still in its MokList: ${why instanceof Error ? why.message : String(why)}`);
    return { key: null };
  }

  async function takeOut(): Promise<void> {
    const node = await outage.read();
    // Where MokManager was asked already the node is drained, and may be away.
    if (node === undefined || outage.stateOf(node)?.phase === "remove") return;
    await outage.enter(node, "leave");
    // Nothing on a dead node answers an eviction.
    if (isReady(node)) await outage.drain();
  }

  /** Nothing was changed when this throws. A node that SSH doesn't reach leaves all the same: KMM unloads it. */
  async function requireFree(node: RollNode): Promise<void> {
    if (!isReady(node) || outage.stateOf(node) !== undefined) return;
    await requireUnused(name, outage, machine).catch((error: unknown) => {
      if (!(error instanceof Unreachable)) throw error;
    });
  }

  async function unload(): Promise<void> {
    const node = await outage.read();
    if (node !== undefined && isReady(node)) await untilUnused(name, outage, machine);
    await outage.setVersion(step.namespace, step.module, undefined);
    progress(`${name}: KMM unloads the modules`);
    const waiting = {
      timeoutSeconds: rollout.loadTimeoutMinutes * 60,
      setting: "rollout.loadTimeoutMinutes",
      error: "OKMM-UNLOAD-TIMEOUT" as const,
      remedy:
        `look at pod kmm-worker-${name}-${step.module} in ${step.namespace}: something may still use the modules. ` +
        "Stop it, or reboot the node, and run again; if there is no such pod, check that KMM itself is running",
    };
    left = await waitUntil(`${name} to unload the modules`, waiting, unloadedOrDead());
    if (left === "unloaded") {
      await outage.noteUnloaded();
      return;
    }
    progress(
      `${name}: isn't Ready and leaves as it is: its next boot unloads the modules and loads the kernel's own driver; ` +
        "until then KMM keeps its Module",
    );
  }

  async function stillLoaded(): Promise<string | undefined> {
    const [node, nmc] = await Promise.all([outage.read(), outage.readModules()]);
    return node && whyNotUnloaded(node, nmc, step);
  }

  function unloadedOrDead(): () => Promise<Look<"unloaded" | "not ready">> {
    const patience = new BootPatience(rollout.loadTimeoutMinutes);
    const account = new WorkerAccount(outage, machine, step.namespace);
    return async () => {
      const missing = await stillLoaded();
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
  async function settleRequests(): Promise<void> {
    if (enrolment.mode === "off") return;
    try {
      await machine.revokeRequests();
      if (!enrolment.removeOnDestroy || enrolment.mode !== "operator") return;
      if (await machine.requestDeletion(enrolment.passwordHash)) {
        progress(`${name}: MokManager will ask to delete the key at the next reboot (\`npm run mok-password\`)`);
      }
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      progress(`${name}: requests to MokManager could not be checked: ${error.message}`);
    }
  }
});
