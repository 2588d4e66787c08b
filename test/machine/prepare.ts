import { log } from "./bench.ts";
import { buildMachine } from "./build.ts";
import { NotRun } from "./hostTools.ts";

/** Sets up the machine for all of its tests; resolves to the reason when this host can't have one. */
export default async function prepare(): Promise<string | undefined> {
  try {
    await buildMachine(log);
  } catch (error) {
    if (error instanceof NotRun) return error.message;
    throw error;
  }
  return undefined;
}
