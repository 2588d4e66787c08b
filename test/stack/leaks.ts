/** Searches everything that a run leaves behind, or shows while it goes on, for secrets. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A file, or a process, in which a secret was found. */
export type Leak = string;

/** Files below `directory` that hold one of the secrets. */
export async function leaksInFiles(directory: string, secrets: readonly string[], except: RegExp): Promise<Leak[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const leaks = await Promise.all(
    files
      .filter((file) => !except.test(file))
      .map(async (file) => {
        // A file may go while we look.
        const text = await readFile(file, "latin1").catch(() => "");
        return secrets.some((secret) => text.includes(secret)) ? [file] : [];
      }),
  );
  return leaks.flat();
}

/** Arguments and environments of every process that may be looked at, again and again until `until` settles. */
export async function leaksInProcesses(
  secrets: () => Promise<readonly string[]>,
  until: Promise<unknown>,
): Promise<Leak[]> {
  const leaks = new Set<Leak>();
  const ended = until.then(() => true);
  while (!(await Promise.race([ended, pause(250)]))) {
    const known = await secrets();
    const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    const found = await Promise.all(processes.map((id) => leakOf(id, known)));
    found.flat().forEach((leak) => leaks.add(leak));
  }
  return [...leaks];
}

/** Pulumi passes a program its whole configuration in this variable, secrets decrypted (SECURITY.md). */
const pulumisOwn = "PULUMI_CONFIG=";

const pause = (milliseconds: number): Promise<false> =>
  new Promise((resolve) => setTimeout(() => resolve(false), milliseconds));

async function leakOf(process: string, secrets: readonly string[]): Promise<Leak[]> {
  const parts = await Promise.all(
    ["cmdline", "environ"].map(async (part) => {
      const all = await readFile(`/proc/${process}/${part}`, "latin1").catch(() => "");
      const text = all
        .split("\0")
        .filter((word) => !word.startsWith(pulumisOwn))
        .join("\0");
      return secrets.some((secret) => text.includes(secret)) ? [`${part} of ${text.slice(0, 60)}`] : [];
    }),
  );
  return parts.flat();
}
