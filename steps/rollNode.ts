/**
 * The whole outage of one node: cordon, drain, enrol the key where Secure Boot needs it, let KMM load this version, see it
 * run, uncordon. Looks first and acts only where needed; killed anywhere and run again, it goes on. A node that fails
 * stays cordoned.
 */
import { z } from "zod";
import { driverProblems, isTrusted, type MachineState } from "../core/node/machineState.ts";
import { cordonedBy, expectedOn, isControlPlane, whyNotLoaded, type RollNode } from "../core/node/nodeState.ts";
import { requireDatabase } from "./firmware/bmcEnrolment.ts";
import { tryConsole } from "./firmware/console/tryConsole.ts";
import { enrol } from "./firmware/enrolment.ts";
import { connect } from "./cluster/kubectl.ts";
import { load } from "./node/loading.ts";
import { requireModule, requireSigned } from "./build/liveModule.ts";
import { requireUnused } from "./node/moduleUse.ts";
import { consentSchema, enrolmentSchema, moduleSchema, nodeSchema, sameMachine } from "./node/nodeInput.ts";
import { NodeMachine } from "./node/nodeMachine.ts";
import { NodeOutage } from "./node/nodeOutage.ts";
import { requireLoadable, requireNoHealthCheck, requireQuiet } from "./node/nodeSafety.ts";
import { readPolicy } from "./cluster/policy.ts";
import { sshSchema, Unreachable } from "./node/ssh.ts";
import { clusterSchema, progress, runStep, StepError } from "./lib/step.ts";
import { waitUntil } from "./lib/wait.ts";

const input = z.object({
  cluster: clusterSchema,
  stack: z.string(),
  node: nodeSchema,
  module: moduleSchema,
  /** Which time this is; see {@link file://../core/node/reality.ts}. */
  generation: z.number(),
  ssh: sshSchema,
  /** The signing certificate in PEM. */
  certificate: z.string(),
  enrolment: enrolmentSchema,
  /** Command that opens the serial console. */
  console: z.string().optional(),
  consent: consentSchema,
});

/** Seconds that another node of the stack may take to come back before this one gives up. */
const turnPatienceSeconds = 60;

await runStep(input, async (step) => {
  const kubectl = await connect(step.cluster);
  const { name } = step.node;
  const { rollout, enrolment: how, nodes: listed } = await readPolicy(kubectl, step.module.namespace);
  const enrolment = { ...how, ...step.enrolment, console: step.console };
  const outage = new NodeOutage(kubectl, { ...rollout, listed, stack: step.stack, node: name });
  const machine = new NodeMachine(name, step.ssh, step.certificate);
  const expected = expectedOn(step.node.kernel, step.module);
  const readNode = async () => sameMachine(await outage.read(), step.node);

  const node = await readNode();
  // Without its Module in the cluster the gate would open for nothing, and KMM unload what the node has.
  await requireModule(kubectl, name, step.module);
  const resumed = outage.stateOf(node);
  const state = await machine.state().catch((error: unknown) => {
    if (!(error instanceof Unreachable)) throw error;
    // Only a node that we are rebooting may be away.
    if (resumed?.phase === "reboot") return undefined;
    const left = resumed === undefined ? "The node was not touched" : "The node stays cordoned";
    throw new StepError(error.id, `${error.message}. ${left}; set its \`hold: true\` to continue without it`);
  });
  if (resumed === undefined && state !== undefined && (await isDone(node, state))) {
    await outage.keepGeneration(step.generation);
    progress(`${name}: version ${expected.version} is already running`);
    return { node: name, state: "loaded" };
  }
  const mustEnrol = state === undefined || !isTrusted(state);
  if (mustEnrol && enrolment.mode === "operator") return await leavePending();
  if (mustEnrol && enrolment.mode === "off") throw new StepError("OKMM-KEY-UNTRUSTED", notTrusted(state));

  await requireSigned(kubectl, name, expected);
  await outage.alone(isControlPlane(node), async () => {
    if (resumed === undefined) {
      await requireFree(node, state, mustEnrol);
      await outage.enter(node, "drain", expected.version);
    }
    if (state !== undefined) await outage.drain();
    if (mustEnrol) await enrol({ name, enrolment, certificate: step.certificate, outage, machine, readNode });
    await load({ name, outage, machine, expected, readNode, loadTimeoutMinutes: rollout.loadTimeoutMinutes });
    await outage.leave(await readNode(), { generation: step.generation });
  });
  return { node: name, state: "loaded" };

  async function isDone(node: RollNode, state: MachineState): Promise<boolean> {
    if (cordonedBy(node) === step.stack) return false;
    const missing = whyNotLoaded(node, await outage.readModules(), expected);
    return missing === undefined && driverProblems(state).length === 0;
  }

  /** Nothing was changed when this throws. */
  async function requireFree(node: RollNode, state: MachineState | undefined, reboots: boolean): Promise<void> {
    await requireQuiet(kubectl, node);
    if (reboots) await requireNoHealthCheck(kubectl, node);
    if (state !== undefined) requireLoadable(name, state, step.consent);
    // A reboot ends whoever uses the modules.
    if (state !== undefined && !reboots) await requireUnused(name, outage, machine);
    if (reboots && enrolment.mode === "redfish") await requireDatabase({ ...step, enrolment, name }, node);
    if (reboots && enrolment.mode === "console") await tryConsole(name, step.console ?? "");
    const waiting = {
      timeoutSeconds: turnPatienceSeconds,
      error: "OKMM-TURN-BLOCKED" as const,
      remedy: "fix those first, or set their `hold: true` to continue without them",
    };
    await waitUntil(`${name}'s turn`, waiting, async () => {
      const out = await outage.othersOut();
      return out.length < rollout.maxParallel ? { done: undefined } : { missing: `out of service: ${out.join(", ")}` };
    });
  }

  /** The operator reboots in a window of their own: the request is there, and the next `up` looks again. */
  async function leavePending() {
    const key = await machine.requestEnrolment(enrolment.passwordHash);
    // Pending is a good end, too; the next look finds the node deviating, and so asks again.
    await outage.keepGeneration(step.generation);
    progress(
      `${name}: key ${key}; reboot it in your own maintenance window, answer MokManager (\`npm run mok-password\`), then run \`pulumi up\` again`,
    );
    return { node: name, state: "pending" };
  }

  function notTrusted(state: MachineState | undefined): string {
    return (
      `${name}: Secure Boot is on and the key is ${state?.key ?? "unknown"}, but onload-kmm:enrolment.mode is off; the node was not touched. ` +
      "Choose attended, operator, console or redfish, or have the firmware trust the certificate by other means"
    );
  }
});
