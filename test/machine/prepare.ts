import { log } from "./bench.ts";
import { buildMachine } from "@onload-kmm/secure-boot/build";
import { NotRun } from "@onload-kmm/secure-boot/hostTools";

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
