import { join } from "node:path";
import type { KubeObject } from "../kube.ts";

/** Where one Build's files are, for the builder that writes them and the gateway that streams them. */
export interface BuildFiles {
  directory: string;
  /** The build log, growing while the build runs. */
  log: string;
  /** Exists when nothing will be added to the log. */
  logEnd: string;
  /** The binary build context as uploaded (tar, tar.gz or zip); appears in one piece when the upload is complete. */
  context: string;
  /** The context while it is uploaded. */
  contextPart: string;
}

/** `<stateDir>/builds/NAMESPACE/NAME/UID/…`: with the UID, because names are used again after a deletion. */
export function buildFiles(stateDir: string, build: KubeObject): BuildFiles {
  const { namespace = "", name = "", uid = "" } = build.metadata;
  const directory = join(stateDir, "builds", namespace, name, uid);
  return {
    directory,
    log: join(directory, "log"),
    logEnd: join(directory, "log.end"),
    context: join(directory, "context"),
    contextPart: join(directory, "context.part"),
  };
}
