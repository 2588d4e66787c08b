import { mkdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { ensureDirectory } from "./controlPlane/directory.ts";
import { cacheDirectory, nodeModulesBin } from "./paths.ts";
import { choosePlugins, writeStandInFolder } from "./toolchain/plugins.ts";
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
  const standIns = join(dir, "stand-in-plugins");
  await writeStandInFolder(standIns, await choosePlugins({ pulumi: bin.pulumi, home, env }));
  const folders = [nodeModulesBin, standIns, dirname(bin.pulumi), dirname(bin.kubectl)];
  return {
    ...env,
    // Without sidecar files: a kill in the middle of writing one makes the whole state unreadable ("EOF").
    PULUMI_BACKEND_URL: `file://${state}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: "sandbox",
    PATH: [...new Set(folders), env["PATH"] ?? ""].join(delimiter),
    PULUMI_HOME: home,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Program, plugins and steps are dozens of short-lived Nodes: what they compile is kept.
    NODE_COMPILE_CACHE: join(cacheDirectory(), "node-compile-cache"),
  };
}
