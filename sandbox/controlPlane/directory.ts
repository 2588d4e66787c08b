import { access, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../userError.ts";

const text =
  "Everything in this directory belongs to a sandbox of onload-kmm; `npm run sandbox -- down --purge` removes it.\n";

/** The file by which a state directory is known. */
export const markerOf = (dir: string): string => join(dir, "onload-kmm-sandbox");

function isMarked(dir: string): Promise<boolean> {
  return access(markerOf(dir)).then(
    () => true,
    () => false,
  );
}

/**
 * Makes the state directory, for its owner alone, and marks it as ours.
 * @throws UserError for a directory with something else in it: `--purge` would remove that.
 */
export async function ensureDirectory(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (await isMarked(dir)) return;
  const entries = await readdir(dir);
  if (entries.length > 0) {
    throw new UserError(`${dir} holds something else (${entries[0] ?? ""}…); choose an empty directory`);
  }
  await writeFile(markerOf(dir), text);
}

/** Removes the state directory; one that isn't ours stays. */
export async function removeDirectory(dir: string): Promise<void> {
  if (await isMarked(dir)) await rm(dir, { recursive: true, force: true });
}
