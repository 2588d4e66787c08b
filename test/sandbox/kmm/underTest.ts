/** Which KMM the contract tests run on. */
import { type Line, operatorFiles, operatorFolder, operatorLine } from "../../../sandbox/kmm/operator/folder.ts";
import type { ServiceName } from "../../../sandbox/controlPlane/state.ts";

/** Names the folder with KMM's own programs; unset for the stand-in. `npm run test:kmm -- --kmm FOLDER` sets it. */
export const variable = "ONLOAD_KMM_OPERATOR";

interface UnderTest {
  /** For `up`: the folder with KMM's own programs; undefined for the stand-in. */
  readonly kmmFolder: string | undefined;
  readonly line: Line;
  /** The sandbox's processes that KMM is. */
  readonly processes: readonly ServiceName[];
}

function find(value: string | undefined): UnderTest {
  const kmmFolder = value === undefined ? undefined : operatorFolder(value);
  if (kmmFolder === undefined) return { kmmFolder, line: "2.4.1", processes: ["stand-ins"] };
  const processes: ServiceName[] = ["kmm-webhook-server", "kmm-manager"];
  return { kmmFolder, line: operatorLine(operatorFiles(kmmFolder)), processes };
}

export const kmmUnderTest = find(process.env[variable]);
