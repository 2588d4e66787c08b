/** The stack's file on disk. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { StepError } from "../../steps/lib/step.ts";

/** The file's text; undefined where there is none. */
export function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}

/**
 * Puts `text` in the file's place as a whole, unless somebody has changed it since it was read.
 *
 * @param before what was read; undefined where there was none
 */
export async function replaceFile(file: string, before: string | undefined, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  if ((await readIfThere(file)) !== before) {
    await rm(`${file}.new`);
    throw new StepError(
      "OKMM-INIT-STOPPED",
      `${file} was changed meanwhile; nothing was written. Run the same command again`,
    );
  }
  await rename(`${file}.new`, file);
}
