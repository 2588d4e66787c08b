import { mkdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { ensureDirectory } from "./controlPlane/directory.ts";
import { cacheDirectory } from "./paths.ts";
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
  const users = withoutNpms((env["PATH"] ?? "").split(delimiter));
  // What the user has on PATH already stays in its place: another `node` may lie beside it.
  const tools = [dirname(bin.pulumi), dirname(bin.kubectl)].filter((folder) => !users.includes(folder));
  return {
    ...env,
    // Without sidecar files: a kill in the middle of writing one makes the whole state unreadable ("EOF").
    PULUMI_BACKEND_URL: `file://${state}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: "sandbox",
    PATH: [...new Set([standIns, ...tools]), ...users].join(delimiter),
    PULUMI_HOME: home,
    PULUMI_SKIP_UPDATE_CHECK: "true",
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
