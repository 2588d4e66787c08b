import { posix } from "node:path";
import type { ImageFile } from "../registry.ts";
import { BuildFailure } from "./failure.ts";

/** A file system as the builder sees it: absolute path → file. Directories are there by the files in them. */
export type Files = Map<string, ImageFile>;

/** Whether there is a file or directory at `path`. */
export function exists(files: Files, path: string): boolean {
  return files.has(path) || [...files.keys()].some((name) => name.startsWith(`${path}/`));
}

/** Paths of the files below a directory. */
export function below(files: Files, directory: string): string[] {
  const prefix = directory.endsWith("/") ? directory : `${directory}/`;
  return [...files.keys()].filter((name) => name.startsWith(prefix));
}

/** `path` made absolute against the working directory, without a trailing slash. */
export function absolute(workingDirectory: string, path: string): string {
  const resolved = posix.resolve(workingDirectory, path);
  return resolved === "/" ? resolved : resolved.replace(/\/$/, "");
}

/**
 * `COPY SOURCES… DESTINATION`: a pattern may match several; a directory's content is copied, not itself. A source that
 * isn't there is a failure. Paths are absolute; a destination that ends in `/` is a directory.
 */
export function copy(from: Files, sources: string[], to: Files, destination: string): void {
  const found = sources.flatMap((source) => matching(from, source));
  const intoDirectory = destination.endsWith("/") || sources.length > 1 || found.length > 1;
  const target = destination.replace(/(.)\/$/, "$1");
  for (const path of found) {
    const file = from.get(path);
    if (file !== undefined) to.set(intoDirectory ? posix.join(target, posix.basename(path)) : target, file);
    for (const inner of below(from, path)) {
      to.set(posix.join(target, inner.slice(path === "/" ? 0 : path.length)), from.get(inner) ?? {});
    }
  }
}

/** Files and directories that the pattern matches, `*` within one path element. */
function matching(files: Files, pattern: string): string[] {
  const plain = pattern === "/" ? pattern : pattern.replace(/\/$/, "");
  if (exists(files, plain) || (plain === "/" && files.size > 0)) return [plain];
  const found = new Set<string>();
  if (/[*?[]/.test(plain)) {
    const depth = plain.split("/").length;
    for (const name of files.keys()) {
      const candidate = name.split("/").slice(0, depth).join("/");
      if (posix.matchesGlob(candidate, plain)) found.add(candidate);
    }
  }
  if (found.size > 0) return [...found];
  throw new BuildFailure("DockerBuildFailed", `no items matching glob "${pattern}" copied: no such file or directory`);
}
