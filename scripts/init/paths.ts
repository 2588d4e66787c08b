/** Paths as the user types them and as the configuration has them. */
import { homedir } from "node:os";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { expandHome } from "../../steps/lib/expandHome.ts";

export const projectRoot = dirname(dirname(import.meta.dirname));

/** Where the user typed the command: npm runs scripts in the project's folder. */
const invokedIn = process.env["INIT_CWD"] ?? process.cwd();

/** A path as it was typed, absolute. */
export const typed = (path: string): string => resolve(invokedIn, expandHome(path));

/** A path as a configuration has it, absolute: relative ones begin at the project. */
export const configured = (path: string): string => resolve(projectRoot, expandHome(path));

/** Short, for the configuration: relative to the project where it is in there. */
export function forConfiguration(path: string): string {
  const inside = relative(projectRoot, path);
  return inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

/** The same for a file of the user's own, whose home may have another path on the next bastion. */
export function forConfigurationOfUser(path: string): string {
  const inHome = relative(homedir(), path);
  const isOutside = inHome.startsWith("..") || isAbsolute(inHome);
  const short = forConfiguration(path);
  return short === path && !isOutside ? `~/${inHome}` : short;
}
