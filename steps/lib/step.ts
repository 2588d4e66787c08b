import { text } from "node:stream/consumers";
import { z } from "zod";
import { printAnswer, printLines, printUncaught } from "./output.ts";

/** A failure that a person can mend: printed as it is, without a stack trace. */
export class StepError extends Error {}

/** What every step is given about the cluster; see {@link file://../../core/settings.ts}. */
export const clusterSchema = z.object({ kubeconfig: z.string(), context: z.string(), id: z.string() });

/**
 * Runs one step: JSON on stdin, a small JSON on stdout (it goes into Pulumi's state), progress on stderr.
 * Exit code 0, or 1 with the reason as the last lines of stderr.
 */
export async function runStep<Input>(
  schema: z.ZodType<Input>,
  body: (input: Input) => Promise<unknown>,
): Promise<void> {
  printUncaught();
  try {
    const input = schema.parse(parsed(await text(process.stdin)));
    printAnswer(await body(input));
  } catch (error) {
    const known = error instanceof StepError;
    printLines(known ? error.message : ((error as Error).stack ?? String(error)));
    process.exitCode = 1;
  }
}

/** JSON.parse quotes what it can't read, and a step's input may hold secrets. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new StepError("stdin: found no JSON, expected this step's input; see its `input` at the top of the program");
  }
}

/** Most that a step may print on stderr, in bytes: Pulumi keeps it in state, and hands it to the next run. */
const progressLimit = 24 * 1024;
const startedAt = Date.now();
let printed = 0;

/** One line for whoever watches `pulumi up`: elapsed time as mm:ss, then what happens or what is waited for. */
export function progress(line: string): void {
  const seconds = Math.floor((Date.now() - startedAt) / 1000);
  const clock = [Math.floor(seconds / 60), seconds % 60].map((part) => String(part).padStart(2, "0")).join(":");
  printed += printLines(`${clock} ${line}`, progressLimit - printed);
}
