import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** The last of the reports in this folder, whose names begin with their time; undefined where there is none. */
export async function newestReport(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((): string[] => []);
  const last = names
    .filter((name) => name.endsWith(".html"))
    .sort()
    .at(-1);
  return last === undefined ? undefined : join(folder, last);
}
