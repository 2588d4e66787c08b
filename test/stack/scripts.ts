/** The everyday scripts, as a user runs them on a stack. */
import { execFile } from "node:child_process";
import type { Stack } from "./stack.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As npm runs `scripts/NAME.ts`, with the shell's own PATH and without any variable of Pulumi's. */
export function runScript(stack: Stack, name: string, ...args: string[]): Promise<Ran> {
  const kept = Object.entries(process.env).filter(([variable]) => !variable.startsWith("PULUMI"));
  const env = { ...Object.fromEntries(kept), ONLOAD_KMM_SANDBOX: stack.sandbox.dir };
  const choice = ["--stack", "dev", "--config-file", stack.configFile];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["sandbox/operate.ts", `scripts/${name}.ts`, ...choice, ...args],
      { env },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}
