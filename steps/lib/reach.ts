import { z } from "zod";
import { driverProblems, isTrusted } from "../../core/machineState.ts";
import type { NodeReality } from "../../core/reality.ts";
import { NodeMachine, ToolFailure } from "./nodeMachine.ts";
import { sshSchema, Unreachable } from "./ssh.ts";
import { StepError } from "./step.ts";

/** A listed node that the roll-out will go to. */
export const machineSchema = sshSchema.extend({ name: z.string() });
type Machine = z.infer<typeof machineSchema>;

/** Seconds for a node to let us in, and to answer: whoever runs `preview` waits for the slowest. */
const patience = { connectSeconds: 5, commandSeconds: 30 };

export interface Reached {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** What each node reports, by its name; nodes with a problem are left out. */
  readonly machines: ReadonlyMap<string, NonNullable<NodeReality["machine"]>>;
}

/**
 * Logs in to all nodes at once, and asks each what it runs. What only a change of the configuration mends is a problem; a
 * node that is away is a warning, for it may be back when its turn comes, and must not stop the others.
 *
 * @param certificate the signing certificate in PEM; empty while there is none
 */
export async function reach(machines: readonly Machine[], certificate: string): Promise<Reached> {
  const asked = await Promise.all(
    machines.map(async (machine) => ({ name: machine.name, found: await ask(machine, certificate) })),
  );
  return {
    problems: [...new Set(asked.flatMap(({ found }) => ("problem" in found ? [found.problem] : [])))],
    warnings: asked.flatMap(({ found }) => ("warning" in found ? [found.warning] : [])),
    machines: new Map(asked.flatMap(({ name, found }) => ("problem" in found ? [] : [[name, found.machine]]))),
  };
}

type Found =
  { readonly problem: string } | { readonly warning?: string; readonly machine: NonNullable<NodeReality["machine"]> };

async function ask({ name, ...target }: Machine, certificate: string): Promise<Found> {
  try {
    const state = await new NodeMachine(name, target, certificate, patience).state();
    return {
      machine: {
        driver: driverProblems(state),
        secureBoot: state.secureBoot,
        ...(certificate !== "" && { trusted: isTrusted(state) }),
      },
    };
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    if (error instanceof Unreachable || error instanceof ToolFailure) {
      const remedy = "`up` ends when its turn comes, unless it is back by then; its `hold: true` goes on without it";
      return {
        warning: `${error.message}; ${remedy}`,
        machine: { unreachable: error.message.replace(`${name}: `, "") },
      };
    }
    return { problem: `${name}: ${error.message}` };
  }
}
