/** Makes a failing plan smaller for as long as it fails. */
import type { Operation, Plan } from "./plan.ts";

/** Whether a plan still fails, in the same way. */
export type StillFails = (plan: Plan) => Promise<boolean>;

/**
 * Leaves out one thing after the other, whole operations first and then single accidents and changes, and keeps each smaller
 * plan that still fails, until `hasTime` says no. It goes once through all, from the end: a try takes minutes, and what
 * came last is least likely to have brought the failure about.
 */
export async function reduce(plan: Plan, stillFails: StillFails, hasTime: () => boolean): Promise<Plan> {
  let smallest = plan;
  const attempt = async (smaller: Plan): Promise<void> => {
    if (hasTime() && (await stillFails(smaller))) smallest = smaller;
  };
  // From the end, so that the places of what is still to be tried stay the same.
  for (const [number] of [...plan.operations.entries()].reverse()) {
    const operations = without(smallest.operations, number);
    if (operations.length > 0) await attempt({ ...smallest, operations });
  }
  for (const [number, operation] of [...smallest.operations.entries()].reverse()) {
    for (const what of ["accidents", "changes"] as const) {
      for (const [index] of [...operation[what].entries()].reverse())
        await attempt(lacking(smallest, number, what, index));
    }
  }
  return smallest;
}

const without = <T>(items: readonly T[], left: number): T[] => items.filter((_, index) => index !== left);

/** The plan without one accident or change of one operation. */
function lacking(plan: Plan, number: number, what: "accidents" | "changes", index: number): Plan {
  const shorten = (operation: Operation): Operation =>
    what === "accidents"
      ? { ...operation, accidents: without(operation.accidents, index) }
      : { ...operation, changes: without(operation.changes, index) };
  const operations = plan.operations.map((each, place) => (place === number ? shorten(each) : each));
  return { ...plan, operations };
}
