import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A Kubernetes object in the store. */
export interface Stored {
  kind: string;
  metadata: {
    name: string;
    uid: string;
    namespace?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

/** A failure on request: the next `times` calls whose arguments fit `pattern` end with `stderr`. */
export interface Fault {
  readonly pattern: string;
  readonly stderr: string;
  times: number;
}

/** Runs `work` on a JSON file's content and writes back what it left there, one process at a time. */
export function locked<Content, Result>(
  directory: string,
  file: string,
  empty: Content,
  work: (content: Content) => Result,
): Result {
  const lock = join(directory, `${file}.lock`);
  while (!taken(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  try {
    const path = join(directory, file);
    const content = read(path, empty);
    const result = work(content);
    writeFileSync(path, JSON.stringify(content));
    return result;
  } finally {
    rmdirSync(lock);
  }
}

/** mkdir is atomic: who makes the directory holds the lock. */
function taken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function read<Content>(path: string, empty: Content): Content {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return empty;
    throw error;
  }
}
