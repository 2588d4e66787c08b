/** What the scripts beside this file ask the Pulumi CLI about the selected stack. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs `pulumi … --json`-like commands and gives what they print. */
export async function pulumi(args: readonly string[], stack: string | undefined): Promise<string> {
  const chosen = stack === undefined ? [] : ["--stack", stack];
  const { stdout } = await run("pulumi", [...args, ...chosen], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** A mistake that the user can mend: shown alone, with exit code 1. */
export function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
