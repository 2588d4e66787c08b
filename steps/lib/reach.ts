import { z } from "zod";
import { runRemote, sshSchema, Unreachable } from "./ssh.ts";
import { StepError } from "./step.ts";

/** A listed node that the roll-out will go to. */
export const machineSchema = sshSchema.extend({ name: z.string() });
type Machine = z.infer<typeof machineSchema>;

/** Seconds for a node to answer: whoever runs `preview` waits for the slowest. */
const patience = 5;

/**
 * Logs in to all nodes at once, and out again. What only a change of the configuration mends is a problem; a node that is
 * away is a warning, for it may be back when its turn comes, and must not stop the others.
 */
export async function reach(machines: readonly Machine[]): Promise<{ problems: string[]; warnings: string[] }> {
  const found = await Promise.all(machines.map(whyOutOfReach));
  const said = (kind: "problem" | "warning") => found.flatMap((each) => (each?.kind === kind ? [each.text] : []));
  return { problems: [...new Set(said("problem"))], warnings: said("warning") };
}

async function whyOutOfReach({ name, ...target }: Machine): Promise<{ kind: string; text: string } | undefined> {
  try {
    await runRemote(target, "true", "", patience);
    return undefined;
  } catch (error) {
    if (error instanceof Unreachable) {
      const remedy = "`up` ends when its turn comes, unless it is back by then; its `hold: true` goes on without it";
      return { kind: "warning", text: `${name}: ${error.message}; ${remedy}` };
    }
    if (error instanceof StepError) return { kind: "problem", text: `${name}: ${error.message}` };
    throw error;
  }
}
