/** What the scripts beside this file ask the Pulumi CLI about a stack. */
import { StepError } from "../steps/lib/step.ts";
import { execFile } from "node:child_process";
import { dirname, resolve } from "node:path";
import { parseArgs, promisify, type ParseArgsConfig } from "node:util";

const run = promisify(execFile);

/** Which stack is meant; both as the CLI's own options. */
export interface StackChoice {
  /** Absent: the one that is selected. */
  readonly stack?: string | undefined;
  /** Absent: `Pulumi.<stack>.yaml`. */
  readonly "config-file"?: string | undefined;
}

/**
 * What the CLI printed as JSON. Nothing of it is in the error: it may hold secrets.
 *
 * @throws StepError when it is none
 */
export function printedJson(printed: string, command: string): unknown {
  try {
    return JSON.parse(printed);
  } catch {
    throw new StepError(
      "OKMM-PULUMI-FAILED",
      `pulumi ${command}: printed no JSON; is it another program under that name?`,
    );
  }
}

/** The options of every script, for `parseArgs`. */
const stackOptions = { stack: { type: "string" }, "config-file": { type: "string" } } as const;

const projectRoot = dirname(import.meta.dirname);

/** Where the user typed the command: npm runs scripts in the project's folder. */
const invokedIn = process.env["INIT_CWD"] ?? process.cwd();

const noPulumi =
  "the Pulumi CLI isn't on PATH: install it (https://www.pulumi.com/docs/install), or, for a stack on the sandbox, start that " +
  "first (`npm run demo`, or `npm run sandbox -- up`)";

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
      const { stderr = "", message, code } = error as Error & { stderr?: string; code?: unknown };
      if (code === "ENOENT") throw new StepError("OKMM-PULUMI-FAILED", noPulumi);
      throw new StepError("OKMM-PULUMI-FAILED", stderr.trim() || message);
    }
  };
}

export type Cli = ReturnType<typeof cliOf>;

/** A script's options as they were given. `--help` ends it with its usage, and so does an option that it doesn't know. */
export function optionsOf<T extends NonNullable<ParseArgsConfig["options"]>>(usage: string, options: T) {
  const all = { ...stackOptions, ...options, help: { type: "boolean", default: false } } as const;
  try {
    const { values } = parseArgs({ options: all });
    if ("help" in values && values.help === true) {
      process.stdout.write(usage);
      process.exit(0);
    }
    return values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message.split(". To specify")[0] ?? ""}\n\n${usage}`);
    process.exit(2);
  }
}

/** A mistake that the user can fix: shown alone, with exit code 1. */
export function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${error instanceof StepError ? error.told : message}\n`);
  process.exit(1);
}
