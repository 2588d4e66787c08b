import type { InputOf } from "../../core/contracts/contract.ts";
import type { inspectCluster } from "../../core/contracts/inspectCluster.ts";
import type { EnrolmentMode } from "../../core/configuration/choices.ts";
import { cardsOf } from "../../core/node/cards.ts";
import { bootDoubts } from "../../core/firmware/bootOrder.ts";
import { driverProblems, isTrusted, type MachineState } from "../../core/node/machineState.ts";
import { told, type Told } from "../../core/errors.ts";
import { doubts, obstacles, type Finding } from "../../core/node/obstacles.ts";
import type { NodeReality } from "../../core/node/reality.ts";
import { sshAtOnceInPreview, sshCommandInPreviewSeconds, sshLoginInPreviewSeconds } from "../../core/patience.ts";
import { NodeMachine, ToolFailure } from "./nodeMachine.ts";
import { Unreachable } from "./ssh.ts";
import { mapAtMost } from "../lib/bounded.ts";
import { StepError } from "../lib/step.ts";

/** A listed node that the roll-out will go to. */
type Machine = InputOf<typeof inspectCluster>["machines"][number];

/** For a node to let us in, and to answer. */
const limits = { connectSeconds: sshLoginInPreviewSeconds, commandSeconds: sshCommandInPreviewSeconds };

export interface SshCheck {
  readonly problems: readonly Told[];
  readonly warnings: readonly Told[];
  /** What each node reports, by its name; nodes with a problem are left out. */
  readonly machines: ReadonlyMap<string, NonNullable<NodeReality["machine"]>>;
}

/** What a node is asked for. */
interface Wanted {
  /** The signing certificate in PEM; empty while there is none. */
  readonly certificate: string;
  /** OpenOnload's version. */
  readonly release: string;
  /** How the key gets into the firmware. */
  readonly mode: EnrolmentMode;
}

/** What nobody can tell before it happens, of loading and of the reboot for the key. */
const allDoubts = (state: MachineState, { release, mode }: Wanted): Finding[] => [
  ...doubts(state, release).map((text) => ({ error: "OKMM-NODE-IBT" as const, text })),
  ...(isTrusted(state) ? [] : bootDoubts(state.boot, mode)).map((text) => ({
    error: "OKMM-BOOT-ORDER" as const,
    text,
  })),
];

/**
 * Logs in to all nodes, many at once, and asks each what it runs, and what would keep the modules from being loaded. What only a
 * change of the configuration or of the machine can fix is a problem; a node that is away is a warning, for it may be back
 * when its turn comes, and must not stop the others.
 */
export async function checkSsh(machines: readonly Machine[], wanted: Wanted): Promise<SshCheck> {
  const asked = await mapAtMost(sshAtOnceInPreview, machines, async (machine) => ({
    name: machine.name,
    found: await ask(machine, wanted),
  }));
  return {
    problems: [...asked.flatMap(({ found }) => found.problems ?? []), ...shared(asked)],
    warnings: asked.flatMap(({ found }) => found.warnings ?? []),
    machines: new Map(asked.flatMap(({ name, found }) => (found.machine === undefined ? [] : [[name, found.machine]]))),
  };
}

/** What keeps the program out of several nodes, once for all of them: one wrong key is one mistake. */
function shared(asked: readonly { readonly name: string; readonly found: Found }[]): Told[] {
  const nodes = new Map<Told, string[]>();
  for (const { name, found } of asked) {
    if (found.refused !== undefined) nodes.set(found.refused, [...(nodes.get(found.refused) ?? []), name]);
  }
  return [...nodes].map(([why, names]): Told => `${names.join(", ")}: ${why}`);
}

interface Found {
  /** Why it lets nobody in, without its name and address. */
  readonly refused?: Told;
  readonly problems?: readonly Told[];
  readonly warnings?: readonly Told[];
  readonly machine?: NonNullable<NodeReality["machine"]>;
}

async function ask({ name, consent, ...target }: Machine, wanted: Wanted): Promise<Found> {
  const { certificate } = wanted;
  try {
    const state = await new NodeMachine(name, target, certificate, limits).state();
    const held = "; or set its `hold: true` to continue without it";
    return {
      problems: obstacles(state, consent).map(({ error, text }) => told(error, `${name}: ${text}${held}`)),
      warnings: allDoubts(state, wanted).map(({ error, text }) => told(error, `${name}: ${text}`)),
      machine: {
        driver: driverProblems(state),
        secureBoot: state.secureBoot,
        cards: cardsOf(state),
        ...(certificate !== "" && { trusted: isTrusted(state) }),
      },
    };
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    if (error instanceof Unreachable || error instanceof ToolFailure) {
      const remedy =
        "`up` stops at this node's turn unless it is back by then; set its `hold: true` to continue without it";
      return {
        warnings: [told(error.id, `${error.message}; ${remedy}`)],
        machine: { unreachable: error.message.replace(`${name}: `, "") },
      };
    }
    return { refused: told(error.id, error.message.replace(`${target.address}: `, "")) };
  }
}
