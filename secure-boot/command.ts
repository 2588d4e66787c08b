/** Runs host programs for the machine's build, and says which one failed with its own words. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Where and with what environment a program runs. */
export interface CommandOptions {
  cwd?: string;
  /** Added to this process's environment. */
  env?: Record<string, string>;
}

/**
 * Runs `program` without a shell and returns its standard output.
 *
 * @throws an Error that names the program, its exit code and what it wrote on standard error.
 */
export async function command(program: string, args: string[], options: CommandOptions = {}): Promise<string> {
  try {
    const { stdout } = await execute(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, LC_ALL: "C", ...options.env },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { code, stderr = "", message } = error as { code?: number | string; stderr?: string; message: string };
    throw new Error(`${program} ${args[0] ?? ""} failed (${code ?? "no exit code"}): ${stderr.trim() || message}`, {
      cause: error,
    });
  }
}

/** True if `program` can be found on PATH. */
export async function isInstalled(program: string): Promise<boolean> {
  return execute("sh", ["-c", 'command -v "$1"', "sh", program]).then(
    () => true,
    () => false,
  );
}
