/** One reboot in which a node's firmware is asked for something and answered. */
import type { EnrolmentMode } from "../../core/configuration/choices.ts";
import type { BmcAccess } from "../../core/firmware/bmcAccess.ts";
import type { MachineState } from "../../core/node/machineState.ts";
import { mokManagerTask } from "../../core/firmware/mokManagerTask.ts";
import { isReady, type RollNode } from "../../core/node/nodeState.ts";
import type { Finding } from "../../core/node/obstacles.ts";
import type { RollState } from "../../core/node/rollState.ts";
import { mokManagerSeconds, rebootLookSeconds } from "../../core/patience.ts";
import type { Attendance, FirmwareAccess } from "./firmwareAccess.ts";
import type { Machine } from "../node/nodeMachine.ts";
import type { NodeOutage } from "../node/nodeOutage.ts";
import { instruct, progress, StepError } from "../lib/step.ts";
import { Unreachable } from "../node/ssh.ts";
import { waitUntil, type Look, type Todo } from "../lib/wait.ts";

/** How a node comes to trust the key: through its MokList, or through its firmware's signature database. */
interface Enrolment {
  readonly mode: EnrolmentMode;
  readonly timeoutMinutes: number;
  /** crypt(5) hash of the password that MokManager asks for. */
  readonly passwordHash: string;
  /** Command that opens the serial console: shown to the person, or used by the script. */
  readonly console?: string | undefined;
  /** What the script types; in mode `console` only. */
  readonly password?: string | undefined;
  /** Who is asked; in mode `redfish` only. */
  readonly bmc?: BmcAccess | undefined;
}

/** The console, and what the script types there, where one answers MokManager; otherwise a person does. */
export const scriptOf = ({ mode, console, password }: Enrolment): { console: string; password: string } | undefined =>
  mode === "console" && console !== undefined && password !== undefined ? { console, password } : undefined;

export interface EnrolmentContext {
  readonly name: string;
  readonly enrolment: Enrolment;
  /** The signing certificate in PEM. */
  readonly certificate: string;
  readonly outage: NodeOutage;
  readonly machine: Machine;
  readonly firmware: FirmwareAccess;
  readonly readNode: () => Promise<RollNode>;
}

/** What the firmware is to do at one reboot. */
export interface Errand {
  /** What MokManager is asked for; absent when it has nothing to ask. */
  readonly request?: "enrol" | "delete";
  /** Noted on the Node: in this phase, and in no other, the node may be away. */
  readonly phase: "reboot" | "remove";
  /** Places the request, whatever was asked before. */
  readonly ask: (node: RollNode, state: MachineState) => Promise<unknown>;
  readonly isDone: (state: MachineState) => boolean;
  /** What went wrong when the node comes back without it, and what to do. */
  readonly failure: (state: MachineState) => Finding;
}

/**
 * Takes a drained node through its firmware with the errand, and sees it come back. Run again after a kill it goes on from
 * the phase on the Node: the boot that it names ends once, and not twice.
 *
 * @throws StepError when the node comes back with the errand undone, or not at all
 */
export async function passFirmware(context: EnrolmentContext, errand: Errand): Promise<void> {
  const { name, outage, machine } = context;
  const node = await context.readNode();
  const begun = outage.stateOf(node);
  const state = await machine.stateOrAway();
  if (state === undefined && begun?.phase !== errand.phase)
    throw new StepError(
      "OKMM-BOOT-AWAY",
      `${name}: no SSH connection, and this program did not reboot it; the node stays cordoned`,
    );
  if (state !== undefined && errand.isDone(state)) return;

  // Opened before the node goes down, so that nothing it shows is missed; left open, it would keep this step alive.
  const console = await attend(context, errand.request, state === undefined);
  const back = await bootOnce(context, errand, console, { node, state, begun })
    .catch((error: unknown) => {
      const { saw } = console;
      throw error instanceof StepError && saw !== undefined
        ? new StepError(error.id, `${error.message}. The console script last saw: ${saw}`)
        : error;
    })
    .finally(() => console.end());
  if (errand.isDone(back)) return;
  // The script knows best why.
  await console.complain();
  const { error, text } = errand.failure(back);
  throw new StepError(error, `${name}: ${text}`);
}

/** Places the request and reboots, where an earlier run has not done so already; answers when the node is back. */
async function bootOnce(
  context: EnrolmentContext,
  errand: Errand,
  console: Attendance,
  { node, state, begun }: { node: RollNode; state: MachineState | undefined; begun: RollState | undefined },
): Promise<MachineState> {
  const { name, outage, machine } = context;
  const { bootID } = node.status.nodeInfo;
  const todo = todoAt(context, errand.request);
  if (state === undefined) return comeBack(context, begun?.bootId ?? bootID, todo);
  await errand.ask(node, state);
  console.requireOpen();
  await outage.enter(node, errand.phase);
  console.begin();
  const isAsked = errand.request !== undefined;
  const entry = await machine.reboot(bootID, isAsked ? mokManagerSeconds : undefined).catch(alreadyPlanned);
  const by = entry === undefined ? "" : `, by boot entry ${entry}`;
  progress(`${name}: rebooting${isAsked ? ` into MokManager${by}` : ""}`);
  return comeBack(context, bootID, todo);
}

/** Who answers MokManager, if it asks: a script on the console, or a person who is told what to type. */
async function attend(context: EnrolmentContext, request: Errand["request"], wake: boolean): Promise<Attendance> {
  const { name, certificate } = context;
  const { mode, timeoutMinutes } = context.enrolment;
  const script = scriptOf(context.enrolment);
  const nobody: Attendance = {
    requireOpen: () => undefined,
    begin: () => undefined,
    saw: undefined,
    end: () => undefined,
    complain: () => Promise.resolve(),
  };
  if (request === undefined) return nobody;
  if (mode === "console" && request === "enrol" && script === undefined) {
    // A script that can't type must not end in a wait for a person whom nobody has asked.
    throw new StepError(
      "OKMM-CONSOLE-MISSING",
      `${name}: onload-kmm:enrolment.mode is console, but this step has no console or no password; the node was not rebooted`,
    );
  }
  if (script === undefined) {
    sayWhatToType(context, request);
    return nobody;
  }
  const deadlineSeconds = timeoutMinutes * 60;
  return context.firmware.openConsole({ name, ...script, request, certificate, deadlineSeconds, wake });
}

/** A reboot that a killed run has planned in the same boot needs no second one. */
function alreadyPlanned(error: unknown): undefined {
  if (error instanceof Unreachable || (error instanceof StepError && isPlanned(error.message))) return undefined;
  throw error;
}

/** What systemd says of a transient unit whose name is taken (its `transient_unit_from_message`), in older versions, too. */
export const isPlanned = (said: string): boolean =>
  /systemd-run: .*\bUnit onload-kmm-reboot\.(?:timer|service) (?:was already loaded or has a fragment file|already exists)\b/.test(
    said,
  );

function sayWhatToType({ name, enrolment }: EnrolmentContext, request: "enrol" | "delete"): void {
  const console = enrolment.console === undefined ? "on its console" : `on its console (${enrolment.console})`;
  progress(`${name}: MokManager is waiting ${console}; this run waits ${enrolment.timeoutMinutes} min`);
  instruct(mokManagerTask({ node: name, request, console: enrolment.console, minutesLeft: enrolment.timeoutMinutes }));
}

/** What the person at the console does; nothing where MokManager has nothing to ask, or a script answers it. */
function todoAt({ name, enrolment }: EnrolmentContext, request: Errand["request"]): Todo | undefined {
  if (request === undefined || scriptOf(enrolment) !== undefined) return undefined;
  return (minutesLeft) => mokManagerTask({ node: name, request, console: enrolment.console, minutesLeft });
}

/** A new boot, Ready, and the key trusted: in this order, for a node looks Ready for 40 s after it went down. */
async function comeBack(
  { name, enrolment, machine, readNode }: EnrolmentContext,
  oldBoot: string,
  todo: Todo | undefined,
): Promise<MachineState> {
  const waiting = {
    timeoutSeconds: enrolment.timeoutMinutes * 60,
    setting: "enrolment.timeoutMinutes",
    everySeconds: rebootLookSeconds,
    error: "OKMM-BOOT-TIMEOUT" as const,
    remedy: "the node stays cordoned; look at its console, then run `pulumi up` again",
  };
  const state = await waitUntil(`${name} to come back`, waiting, async (): Promise<Look<MachineState>> => {
    const node = await readNode();
    if (node.status.nodeInfo.bootID === oldBoot) return { missing: "a new boot", todo };
    if (!isReady(node)) return { missing: "Ready" };
    const state = await machine.stateOrAway();
    return state === undefined ? { missing: "an SSH connection" } : { done: state };
  });
  progress(`${name}: is back, key ${state.key ?? "unknown"}`);
  return state;
}
