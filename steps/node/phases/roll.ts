/** A roll-out of one node: what is looked at first, and the phases of its time out of service. */
import { rollPhases } from "../../../core/node/phases.ts";
import { driverProblems, isTrusted, type MachineState } from "../../../core/node/machineState.ts";
import {
  cordonedBy,
  expectedOn,
  isControlPlane,
  whyNotLoaded,
  type Expected,
  type RollNode,
} from "../../../core/node/nodeState.ts";
import type { RollState } from "../../../core/node/rollState.ts";
import { outOfServiceSeconds } from "../../../core/patience.ts";
import { requireModule, requireSigned } from "../../build/liveModule.ts";
import { readPolicy } from "../../cluster/policy.ts";
import type { Kubectl } from "../../cluster/kubectl.ts";
import { requireDatabase } from "../../firmware/bmcEnrolment.ts";
import { enrol } from "../../firmware/enrolment.ts";
import type { FirmwareAccess } from "../../firmware/firmwareAccess.ts";
import type { EnrolmentContext } from "../../firmware/firmwareBoot.ts";
import { progress, StepError } from "../../lib/step.ts";
import { waitUntil } from "../../lib/wait.ts";
import type { AnswerOf, InputOf } from "../../../core/contracts/contract.ts";
import type { rollNode } from "../../../core/contracts/rollNode.ts";
import { load } from "../loading.ts";
import { requireUnused } from "../moduleUse.ts";
import { sameMachine } from "../nodeInput.ts";
import type { Machine } from "../nodeMachine.ts";
import { NodeOutage } from "../nodeOutage.ts";
import { requireLoadable, requireNoHealthCheck, requireNoMaintenance } from "../nodeSafety.ts";
import { Unreachable } from "../ssh.ts";
import { runPhases, type ActsOf } from "./phase.ts";

/** Whom a step works on. */
export interface Peers {
  readonly kubectl: Kubectl;
  readonly machine: Machine;
  readonly firmware: FirmwareAccess;
}

/** What a roll-out goes by: whom it works on, what it wants, and what it found before its first act. */
interface Rolling extends EnrolmentContext {
  readonly step: InputOf<typeof rollNode>;
  readonly kubectl: Kubectl;
  readonly expected: Expected;
  readonly loadTimeoutMinutes: number;
  readonly maxParallel: number;
  readonly node: RollNode;
  /** Where an earlier run stopped. */
  readonly resumed: RollState | undefined;
  /** Undefined while it is away in a reboot of ours. */
  readonly state: MachineState | undefined;
  readonly mustEnrol: boolean;
}

/** How a roll-out ends well: loaded and in service, or waiting for the operator's own reboot. */
type RollAnswer = AnswerOf<typeof rollNode>;

const isFresh = ({ resumed }: Rolling): boolean => resumed === undefined;

/** What each phase does; `rollPhases` has their order. */
const acts: ActsOf<typeof rollPhases, Rolling> = {
  check: { applies: isFresh, run: requireFree },
  cordon: {
    applies: isFresh,
    run: (rolling) => rolling.outage.countingAlone(() => takeOut(rolling)),
  },
  drain: {
    applies: ({ state, outage }) => state !== undefined && outage.drains,
    run: ({ outage }) => outage.drain(),
  },
  enrol: { applies: ({ mustEnrol }) => mustEnrol, run: enrol },
  load: { run: load },
  uncordon: {
    run: async ({ outage, readNode, step }) => outage.leave(await readNode(), { generation: step.generation }),
  },
};

/**
 * Rolls one node. Looks first and acts only where needed; cut anywhere and run again, it goes on.
 *
 * @throws StepError before the cordon when the node may not go out of service, nothing changed; after it, the node cordoned
 */
export async function roll(step: InputOf<typeof rollNode>, peers: Peers): Promise<RollAnswer> {
  const rolling = await lookAt(step, peers);
  const { name, outage, expected, mustEnrol, enrolment } = rolling;
  if (await isDone(rolling)) {
    await outage.keepGeneration(step.generation);
    progress(`${name}: version ${expected.version} is already running`);
    return { node: name, state: "loaded" };
  }
  if (mustEnrol && enrolment.mode === "operator") return await leavePending(rolling);
  if (mustEnrol && enrolment.mode === "off") throw new StepError("OKMM-KEY-UNTRUSTED", notTrusted(rolling));
  await requireSigned(peers.kubectl, name, expected);
  await outage.alone(isControlPlane(rolling.node), () => runPhases(rollPhases, acts, rolling));
  return { node: name, state: "loaded" };
}

async function lookAt(step: InputOf<typeof rollNode>, { kubectl, machine, firmware }: Peers): Promise<Rolling> {
  const { name } = step.node;
  const { rollout, enrolment, nodes: listed } = await readPolicy(kubectl, step.module.namespace);
  const outage = new NodeOutage(kubectl, { ...rollout, listed, stack: step.stack, node: name });
  const readNode = async () => sameMachine(await outage.read(), step.node);
  const node = await readNode();
  // Without its Module in the cluster the gate would open for nothing, and KMM unload what the node has.
  await requireModule(kubectl, name, step.module);
  const resumed = outage.stateOf(node);
  const state = await stateOrAway(machine, resumed);
  return {
    ...{ step, name, kubectl, machine, firmware, outage, readNode, node, resumed, state },
    enrolment: { ...enrolment, ...step.enrolment, console: step.console },
    certificate: step.certificate,
    expected: expectedOn(step.node.kernel, step.module),
    loadTimeoutMinutes: rollout.loadTimeoutMinutes,
    maxParallel: rollout.maxParallel,
    mustEnrol: state === undefined || !isTrusted(state),
  };
}

/** Only a node that we are rebooting may be away. */
async function stateOrAway(machine: Machine, resumed: RollState | undefined): Promise<MachineState | undefined> {
  try {
    return await machine.state();
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    if (resumed?.phase === "reboot") return undefined;
    const left = resumed === undefined ? "The node was not touched" : "The node stays cordoned";
    throw new StepError(error.id, `${error.message}. ${left}; set its \`hold: true\` to continue without it`);
  }
}

/** Whether the node runs its version, and is in service. */
async function isDone({ step, resumed, state, node, outage, expected }: Rolling): Promise<boolean> {
  if (resumed !== undefined || state === undefined || cordonedBy(node) === step.stack) return false;
  const missing = whyNotLoaded(node, await outage.readModules(), expected);
  return missing === undefined && driverProblems(state).length === 0;
}

/** Nothing was changed when this throws. */
async function requireFree(rolling: Rolling): Promise<void> {
  const { step, name, kubectl, outage, machine, node, state, mustEnrol } = rolling;
  await requireNoMaintenance(kubectl, node);
  if (mustEnrol) await requireNoHealthCheck(kubectl, node);
  if (state !== undefined) requireLoadable(name, state, step.consent);
  // A reboot ends every process that uses the modules.
  if (state !== undefined && !mustEnrol) await requireUnused(name, outage, machine);
  if (mustEnrol) await requireEnrollable(rolling);
  await turnComes(rolling);
}

/** Waits until one more node may go out. */
async function turnComes({ name, outage, maxParallel }: Rolling): Promise<void> {
  const waiting = {
    timeoutSeconds: outOfServiceSeconds,
    error: "OKMM-TURN-BLOCKED" as const,
    remedy: "fix those first, or set their `hold: true` to continue without them",
  };
  await waitUntil(`${name}'s turn`, waiting, async () => {
    const out = await outage.othersOut();
    return out.length < maxParallel ? { done: undefined } : { missing: `out of service: ${out.join(", ")}` };
  });
}

async function takeOut(rolling: Rolling): Promise<void> {
  const { outage, node, expected, maxParallel } = rolling;
  // Others may have gone out since the check.
  if (maxParallel > 1) await turnComes(rolling);
  await outage.enter(node, "drain", expected.version);
}

/** Checks that the firmware will be answered before the node is touched. */
async function requireEnrollable(rolling: Rolling): Promise<void> {
  const { name, enrolment, firmware, node } = rolling;
  if (enrolment.mode === "redfish") await requireDatabase(rolling, node);
  if (enrolment.mode === "console") await firmware.tryConsole(name, enrolment.console ?? "");
}

/** The operator reboots in a window of their own: the request is there, and the next `up` looks again. */
async function leavePending({ step, name, machine, outage, enrolment }: Rolling): Promise<RollAnswer> {
  const key = await machine.requestEnrolment(enrolment.passwordHash);
  // Pending is a good end, too; the next look finds the node deviating, and so asks again.
  await outage.keepGeneration(step.generation);
  progress(
    `${name}: key ${key}; reboot it in your own maintenance window, answer MokManager (\`npm run mok-password\`), then run \`pulumi up\` again`,
  );
  return { node: name, state: "pending" };
}

const notTrusted = ({ name, state }: Rolling): string =>
  `${name}: Secure Boot is on and the key is ${state?.key ?? "unknown"}, but onload-kmm:enrolment.mode is off; the node was not touched. ` +
  "Choose attended, operator, console or redfish, or have the firmware trust the certificate by other means";
