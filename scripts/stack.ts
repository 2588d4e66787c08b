/** What the scripts beside this file ask the Pulumi CLI about a stack. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { filesOf } from "../sandbox/controlPlane/state.ts";
import { selectedStack, stackEnvironment } from "../sandbox/engine.ts";
import { projectRoot, stateDirectory } from "../sandbox/paths.ts";
import { configFileOf } from "../sandbox/stackConfig.ts";
import { ensureToolchain } from "../sandbox/toolchain/toolchain.ts";

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

/**
 * The Pulumi CLI for one stack: it runs `pulumi config …` or `pulumi stack …`, and gives what that prints. A stack on the
 * sandbox is asked in the sandbox's environment, as by `npm run pulumi`; from then on this process has its PATH, too.
 */
export async function cliOf(choice: StackChoice): Promise<(...args: string[]) => Promise<string>> {
  const env = await environmentOf(choice);
  process.env["PATH"] = env["PATH"];
  return async (command, ...args) => {
    const stack = choice.stack === undefined ? [] : ["--stack", choice.stack];
    const file = choice["config-file"];
    const config = command === "config" && file !== undefined ? ["--config-file", resolve(invokedIn, file)] : [];
    const options = { env, cwd: projectRoot, maxBuffer: 64 * 1024 * 1024 };
    try {
      return (await run("pulumi", [command, ...args, ...stack, ...config, "--non-interactive"], options)).stdout;
    } catch (error) {
      const { stderr = "", message } = error as Error & { stderr?: string };
      throw new Error(stderr.trim() || message, { cause: error });
    }
  };
}

/** Where the user typed the command: npm runs scripts in the project's folder. */
const invokedIn = process.env["INIT_CWD"] ?? process.cwd();

async function environmentOf(choice: StackChoice): Promise<NodeJS.ProcessEnv> {
  const sandbox = stateDirectory();
  const { kubeconfig } = filesOf(sandbox);
  if (!existsSync(kubeconfig)) return process.env;
  const stack = choice.stack ?? process.env["PULUMI_STACK"] ?? (await selectedStack("pulumi", process.env));
  const file = choice["config-file"] ?? (stack === undefined ? undefined : configFileFor(sandbox, stack));
  // With nothing selected elsewhere the sandbox's own selection counts.
  if (file !== undefined && (await kubeconfigOf(resolve(invokedIn, file))) !== kubeconfig) return process.env;
  return stackEnvironment(sandbox, await ensureToolchain(), choice.stack);
}

/** The sandbox's own configuration of this stack, else the checkout's. */
function configFileFor(sandbox: string, stack: string): string {
  const file = configFileOf(sandbox, stack);
  return existsSync(file) ? file : join(projectRoot, `Pulumi.${stack}.yaml`);
}

/** Absolute path of the kubeconfig that a stack's configuration names. */
async function kubeconfigOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => "");
  const { config } = (parse(text) ?? {}) as { config?: Record<string, { kubeconfig?: string } | undefined> };
  const path = config?.["onload-kmm:cluster"]?.kubeconfig;
  return path && resolve(projectRoot, path.replace(/^~(?=\/)/, homedir()));
}

/** A mistake that the user can mend: shown alone, with exit code 1. */
export function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
