/** What a list of phases is, and how it is run. */
import type { PhaseAccount } from "../../../core/node/phases.ts";
import { note } from "../../lib/report.ts";
import { progress } from "../../lib/step.ts";

/** What a phase does to a node. Each act can be repeated: a run that is cut is run again from its first phase. */
interface Acts<Context> {
  /** Whether there is anything to do; absent: always. Looks, and changes nothing. */
  readonly applies?: (context: Context) => boolean | Promise<boolean>;
  readonly run: (context: Context) => Promise<unknown>;
}

/** What each phase of a list does. */
export type ActsOf<Accounts extends readonly PhaseAccount[], Context> = Readonly<
  Record<Accounts[number]["name"], Acts<Context>>
>;

/**
 * Runs the phases that apply, in their order, and says which. The first error ends it: what was noted on the node, and its
 * cordon, stay for the next run.
 */
export async function runPhases<Name extends string, Context extends { readonly name: string }>(
  phases: readonly (PhaseAccount & { readonly name: Name })[],
  acts: Readonly<Record<Name, Acts<Context>>>,
  context: Context,
): Promise<void> {
  for (const [index, { name, title }] of phases.entries()) {
    const { applies, run } = acts[name];
    if (applies !== undefined && !(await applies(context))) continue;
    progress(`${context.name}: ${name} (${index + 1} of ${phases.length}): ${title}`);
    note({ event: "phase", name });
    await run(context);
  }
}
