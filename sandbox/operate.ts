/**
 * `node sandbox/operate.ts SCRIPT ARGS`: runs an operator's script in the environment of the stack that it is about: the
 * sandbox's, as `npm run pulumi` has it, when the stack is on the sandbox; otherwise as it stands. So the scripts
 * themselves know nothing of the sandbox.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { filesOf } from "./controlPlane/state.ts";
import { selectedStack, stackEnvironment } from "./engine.ts";
import { passThrough } from "./passThrough.ts";
import { projectRoot, stateDirectory } from "./paths.ts";
import { configFileOf } from "./stackConfig.ts";
import { ensureToolchain } from "./toolchain/toolchain.ts";
import { report } from "./userError.ts";

interface StackChoice {
  /** Absent: the one that is selected. */
  readonly stack?: string | undefined;
  /** Absent: `Pulumi.<stack>.yaml`. */
  readonly "config-file"?: string | undefined;
  /** Given to a script that writes such a file: the stack is on the sandbox when it is the sandbox's. */
  readonly kubeconfig?: string | undefined;
}

/** Where the user typed the command: npm runs scripts in the project's folder. */
const invokedIn = process.env["INIT_CWD"] ?? process.cwd();

async function main([script = "", ...args]: readonly string[]): Promise<number> {
  const env = await environmentOf(choiceIn(args));
  return passThrough(process.execPath, [script, ...args], { cwd: projectRoot, env });
}

/** Which stack is meant; every other argument is for the script to understand. */
function choiceIn(args: readonly string[]): StackChoice {
  const text = { type: "string" } as const;
  const options = { stack: text, "config-file": text, kubeconfig: text };
  const { values } = parseArgs({ args: [...args], options, strict: false });
  const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
  // A stack's name may also come first, without its option.
  const first = args[0]?.startsWith("-") === false ? args[0] : undefined;
  const { stack = first, "config-file": file, kubeconfig } = values;
  return { stack: textOf(stack), "config-file": textOf(file), kubeconfig: textOf(kubeconfig) };
}

async function environmentOf(choice: StackChoice): Promise<NodeJS.ProcessEnv> {
  const sandbox = stateDirectory();
  const { kubeconfig } = filesOf(sandbox);
  if (!existsSync(kubeconfig)) return process.env;
  const isGiven = choice.kubeconfig !== undefined && resolve(invokedIn, choice.kubeconfig) === kubeconfig;
  if (isGiven) return stackEnvironment(sandbox, await ensureToolchain(), choice.stack);
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

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => report("sandbox", error));
