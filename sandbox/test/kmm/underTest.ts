/** Which KMM the tests run on. */
import type { UpOptions } from "../../controlPlane/lifecycle.ts";
import type { ServiceName } from "../../controlPlane/state.ts";
import { defaultLine, lineNames, type LineName, kmmChoice } from "../../kmm/lines.ts";
import { operatorFiles, operatorFolder, operatorLine } from "../../kmm/operator/folder.ts";

/**
 * A line of the stand-in, or a folder with KMM's own programs; or several of a kind with commas between them, oldest
 * first, for the tests of upgrades. `npm run test:kmm -- --kmm WHICH` sets it.
 */
export const variable = "ONLOAD_KMM_TEST_KMM";

export interface UnderTest {
  /** The folder with KMM's own programs; undefined for the stand-in. */
  readonly kmmFolder: string | undefined;
  /** The line that was asked for, by its name or by a folder. */
  readonly asked: LineName | undefined;
  readonly line: LineName;
  /** For `up`. */
  readonly options: Pick<UpOptions, "kmm" | "kmmFolder">;
  /** The sandbox's processes that KMM is. */
  readonly processes: readonly ServiceName[];
}

/** @throws UserError for what is neither. */
export function kmmOf(value: string | undefined): UnderTest {
  const kmmFolder = value === undefined ? undefined : operatorFolder(value);
  if (kmmFolder === undefined) {
    const asked = value === undefined || value === "" ? undefined : kmmChoice(value);
    const line = asked ?? defaultLine;
    return { kmmFolder, asked, line, options: { kmm: line }, processes: ["stand-ins"] };
  }
  const line = operatorLine(operatorFiles(kmmFolder));
  const processes: ServiceName[] = ["kmm-webhook-server", "kmm-manager"];
  return { kmmFolder, asked: line, line, options: { kmmFolder }, processes };
}

/** @throws UserError for one that is neither. */
export const kmmsOf = (values: string): UnderTest[] => values.split(",").map(kmmOf);

const asked = process.env[variable];

/** For tests of one KMM: the first, where several are asked for. */
export const kmmUnderTest = kmmOf(asked?.split(",")[0]);

/** For tests of upgrades: what is asked for, else all lines of the stand-in. Oldest first. */
export const kmmsUnderTest = kmmsOf(asked === undefined || asked === "" ? lineNames.join() : asked);
