import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { ensureDirectory } from "./controlPlane/directory.ts";
import { cacheDirectory, isDefaultDirectory, projectRoot } from "./paths.ts";
import { configFileOf } from "./stackConfig.ts";
import { choosePlugins, writeStandIns } from "./toolchain/plugins.ts";
import type { Toolchain } from "./toolchain/toolchain.ts";

/**
 * The environment in which the Pulumi CLI works on the sandbox in `dir`: its programs and plugins on PATH, a home, a
 * state backend and a passphrase of the sandbox's own: what the user's shell has set for real stacks doesn't count.
 */
export async function engineEnvironment(
  dir: string,
  { bin }: Toolchain,
  env: NodeJS.ProcessEnv = process.env,
): Promise<NodeJS.ProcessEnv> {
  await ensureDirectory(dir);
  const home = join(dir, "pulumi-home");
  const state = join(dir, "state");
  await mkdir(home, { recursive: true });
  await mkdir(state, { recursive: true });
  const chosen = await choosePlugins({ pulumi: bin.pulumi, home, env });
  const standIns = await writeStandIns(join(dir, "stand-in-plugins"), chosen);
  const users = withoutNpms((env["PATH"] ?? "").split(delimiter));
  // What the user has on PATH already stays in its place: another `node` may lie beside it.
  const tools = [dirname(bin.pulumi), dirname(bin.kubectl)].filter((folder) => !users.includes(folder));
  return {
    ...env,
    // Without sidecar files: a kill in the middle of writing one makes the whole state unreadable ("EOF").
    PULUMI_BACKEND_URL: `file://${state}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: "sandbox",
    PATH: [...new Set([...standIns, ...tools]), ...users].join(delimiter),
    PULUMI_HOME: home,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Two sandboxes of one checkout keep their logs apart.
    ...(!isDefaultDirectory(dir) && { ONLOAD_KMM_HOME: dir }),
    // Program, plugins and steps are dozens of short-lived Nodes: what they compile is kept.
    NODE_COMPILE_CACHE: join(cacheDirectory(), "node-compile-cache"),
  };
}

/**
 * PATH as the user has set it: npm puts its packages' programs before that, Node among them, and its own `node-gyp-bin` last.
 * Pulumi's real language host runs the `node` that it finds on PATH, and it must be the one that it would find without
 * npm. Stand-ins and steps name theirs.
 */
function withoutNpms(folders: readonly string[]): string[] {
  return folders.slice(folders.findLastIndex((folder) => folder.endsWith("/node-gyp-bin")) + 1);
}

/**
 * The same for the CLI's commands on one stack: a sandbox that isn't the checkout's own has its configuration in its state
 * directory, which the CLI is told by the variable behind its option `--config-file`. The option itself goes before it.
 * @param stack as in `--stack`; the selected one without it.
 */
export async function stackEnvironment(dir: string, toolchain: Toolchain, stack?: string): Promise<NodeJS.ProcessEnv> {
  const env = await engineEnvironment(dir, toolchain);
  if (isDefaultDirectory(dir)) return env;
  const name = stack ?? env["PULUMI_STACK"] ?? (await selectedStack(toolchain.bin.pulumi, env));
  // A name may come with its project: organization/onload-kmm/dev.
  const file = name === undefined ? undefined : configFileOf(dir, name.split("/").at(-1));
  return file !== undefined && existsSync(file) ? { PULUMI_OPTION_CONFIG_FILE: file, ...env } : env;
}

/** The stack that is selected in the backend of this environment; undefined where there is none. */
export async function selectedStack(pulumi: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const args = ["stack", "--show-name", "--non-interactive"];
  const ran = await execa(pulumi, args, { cwd: projectRoot, env, extendEnv: false, stdin: "ignore", reject: false });
  return ran.failed ? undefined : ran.stdout.trim();
}
