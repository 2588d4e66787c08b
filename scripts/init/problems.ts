/** Mistakes are gathered, so that one run tells them all. */
import { StepError } from "../../steps/lib/step.ts";

/** All that keeps the file from being written, each on a line. */
export class Problems extends Error {
  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`${count}, nothing was written:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}

/** What `work` gives; undefined when it fails for a reason that a person can fix, which is noted. */
export async function noting<T>(problems: string[], work: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    problems.push(error.message);
    return undefined;
  }
}
