import { isAbsolute, join } from "node:path";
import { homeVariable } from "../../core/names.ts";

/** A folder of this project's: below the project, unless the environment names another place. */
export function inHome(path: string): string {
  const home = process.env[homeVariable];
  return home === undefined || isAbsolute(path) ? path : join(home, path);
}
