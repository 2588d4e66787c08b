import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** The checkout: the folder of package.json and Pulumi.yaml. */
export const projectRoot = dirname(import.meta.dirname);

/** Where npm puts executables, Node 24 among them. */
export const nodeModulesBin = join(projectRoot, "node_modules", ".bin");

/** The stand-ins of Pulumi's plugins: executables `pulumi-language-nodejs`, `pulumi-resource-kubernetes` and so on. */
export const standInPlugins = join(projectRoot, "sandbox", "plugins", "bin");

const defaultDirectory = join(projectRoot, ".sandbox");

/** Whether this is the state directory of the checkout's own sandbox, which Pulumi.dev.yaml in the checkout is for. */
export function isDefaultDirectory(dir: string): boolean {
  return dir === defaultDirectory;
}

/**
 * The state directory of a sandbox: `--dir`, else `ONLOAD_KMM_SANDBOX`, else `.sandbox` in the checkout. Relative
 * paths start where the user typed the command, which npm tells in `INIT_CWD`.
 */
export function stateDirectory(dir?: string, env: NodeJS.ProcessEnv = process.env): string {
  const chosen = dir ?? env["ONLOAD_KMM_SANDBOX"];
  return chosen ? resolve(env["INIT_CWD"] ?? process.cwd(), chosen) : defaultDirectory;
}

/** What survives the checkout (built tools, downloaded plugins), by the XDG Base Directory Specification. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "onload-kmm");
}
