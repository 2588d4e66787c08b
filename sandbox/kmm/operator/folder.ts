import { accessSync, constants, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../userError.ts";
import type { LineName } from "../lines.ts";

/** KMM's own files, as its build leaves them. */
export interface OperatorFiles {
  /** Executables of its repository's `cmd/manager` and `cmd/webhook-server`. */
  readonly manager: string;
  readonly webhookServer: string;
  /** Its CustomResourceDefinitions, one file each. */
  readonly crds: readonly string[];
}

/** Where the CRDs may be: as in KMM's repository, or in a plain folder. */
const CRD_FOLDERS = ["config/crd/bases", "crds"];
const MODULES_CRD = "kmm.sigs.x-k8s.io_modules.yaml";

/**
 * The folder that `--kmm VALUE` means, absolute; undefined when the value is no folder's path: one has a slash in it, or
 * is there. Relative paths start where the user typed the command, which npm tells in `INIT_CWD`.
 */
export function operatorFolder(value: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folder = resolve(env["INIT_CWD"] ?? process.cwd(), value);
  return value.includes("/") || isFolder(folder) ? folder : undefined;
}

/**
 * What is needed of KMM in this folder.
 * @throws UserError that says what was looked for and isn't there.
 */
export function operatorFiles(folder: string): OperatorFiles {
  const missing: string[] = [];
  const program = (name: string): string => {
    const file = join(folder, name);
    if (!isExecutable(file)) missing.push(`no executable ${name}`);
    return file;
  };
  const found = { manager: program("manager"), webhookServer: program("webhook-server"), crds: crdsIn(folder) };
  if (found.crds.length === 0) missing.push(`no ${CRD_FOLDERS.map((each) => `${each}/${MODULES_CRD}`).join(" or ")}`);
  if (missing.length === 0) return found;
  throw new UserError(
    `--kmm ${folder}: not a folder with the Kernel Module Management operator: ${missing.join(", ")}; ` +
      "in a checkout of its repository, `go build -mod=vendor ./cmd/manager ./cmd/webhook-server` makes the executables",
  );
}

/**
 * Which line the folder holds: by its CRDs, as the program does, since the repository calls each version 0.0.1. Later
 * 2.4 has 2.4.1's CRDs; its manager has the function that came with fixed names for Builds.
 */
export function operatorLine({ crds, manager }: OperatorFiles): LineName {
  const modules = readFileSync(crds.find((file) => file.endsWith(MODULES_CRD)) ?? "", "utf8");
  if (/^ {14}dra:$/m.test(modules)) return "2.7";
  if (/^ {14}imageRebuildTriggerGeneration:$/m.test(modules)) return "2.6";
  if (crds.some((file) => file.endsWith("_bootmoduleconfigs.yaml"))) return "2.5";
  return readFileSync(manager).includes("DNSSafeKernelVersion") ? "2.4" : "2.4.1";
}

function crdsIn(folder: string): string[] {
  for (const each of CRD_FOLDERS.map((name) => join(folder, name))) {
    if (!isFile(join(each, MODULES_CRD))) continue;
    const files = readdirSync(each).filter((name) => name.startsWith("kmm.sigs.x-k8s.io_") && name.endsWith(".yaml"));
    return files.sort().map((name) => join(each, name));
  }
  return [];
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return isFile(file);
  } catch {
    return false;
  }
}
