import { told, type Told } from "../../core/errors.ts";
import { readFile } from "node:fs/promises";
import { identifyRelease, readRelease, type Release, type ReleaseSettings } from "../../core/build/release.ts";
import { StepError } from "../lib/step.ts";

/** All that is wrong with a release package; `message` holds the problems, one a line. */
export class ReleaseError extends StepError {
  readonly problems: readonly Told[];

  /** @param problems one at least */
  constructor(problems: readonly Told[]) {
    super("OKMM-RELEASE-PACKAGE", problems.join("\n"));
    this.problems = problems;
  }

  /** Each problem has its own id. */
  override get told(): Told {
    return this.message as Told;
  }
}

/**
 * Reads the release package from disk, checks it against the configuration and gives the source RPM.
 *
 * @throws ReleaseError with all problems, each with key, value found, expectation and remedy
 */
export async function openRelease(settings: ReleaseSettings): Promise<Release> {
  const { release, problems } = await readRelease(await bytesOf(settings.package), settings);
  if (release === undefined) throw new ReleaseError(problems);
  return release;
}

/**
 * Reads the package at `path` and tells what the configuration has to say of it.
 *
 * @throws ReleaseError with all that is wrong with it
 */
export async function identifyPackage(path: string): Promise<ReleaseSettings> {
  const identified = await identifyRelease(await bytesOf(path), path);
  if ("problems" in identified) throw new ReleaseError(identified.problems);
  return identified.settings;
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const found = { ENOENT: "no such file", EISDIR: "a directory", EACCES: "no permission to read it" }[code] ?? code;
    throw new ReleaseError([
      told(
        "OKMM-RELEASE-PACKAGE",
        `onload-kmm:release.package: found "${path}": ${found}; expected AMD's release package (a .zip) or the .src.rpm ` +
          "in it, by a path relative to the project's directory",
      ),
    ]);
  }
}
