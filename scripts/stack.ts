/** What the scripts beside this file ask the Pulumi CLI about a stack. */
import { StepError } from "../steps/lib/step.ts";
import { execFile } from "node:child_process";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Which stack is meant; both as the CLI's own options. */
export interface StackChoice {
  /** Absent: the one that is selected. */
  readonly stack?: string | undefined;
  /** Absent: `Pulumi.<stack>.yaml`. */
  readonly "config-file"?: string | undefined;
}

/** The options of every script, for `parseArgs`. */
export const stackOptions = { stack: { type: "string" }, "config-file": { type: "string" } } as const;

const projectRoot = dirname(import.meta.dirname);

/** Where the user typed the command: npm runs scripts in the project's folder. */
const invokedIn = process.env["INIT_CWD"] ?? process.cwd();

/** The Pulumi CLI for one stack: it runs `pulumi config …` or `pulumi stack …`, and gives what that prints. */
export function cliOf(choice: StackChoice): (...args: string[]) => Promise<string> {
  const stack = choice.stack === undefined ? [] : ["--stack", choice.stack];
  const file = choice["config-file"];
  return async (command, ...args) => {
    const config = command === "config" && file !== undefined ? ["--config-file", resolve(invokedIn, file)] : [];
    const options = { cwd: projectRoot, maxBuffer: 64 * 1024 * 1024 };
    try {
      return (await run("pulumi", [command, ...args, ...stack, ...config, "--non-interactive"], options)).stdout;
    } catch (error) {
      const { stderr = "", message } = error as Error & { stderr?: string };
      throw new StepError("OKMM-PULUMI-FAILED", stderr.trim() || message);
    }
  };
}

/** A mistake that the user can fix: shown alone, with exit code 1. */
export function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${error instanceof StepError ? error.told : message}\n`);
  process.exit(1);
}
