import { posix } from "node:path";
import { BuildFailure } from "./failure.ts";
import { exists } from "./files.ts";
import { buildKmod, CommandFailure, entitledPackages, type Workspace } from "./kmodScripts.ts";
import { signFile } from "./signFile.ts";

type Command = (args: string[], workspace: Workspace) => Promise<void> | void;

/** Interpreters of a script named as the first argument. */
const SHELLS = ["sh", "bash"];

/** The scripts whose contract is known. Recognised by their names: whatever their text, that contract is played. */
const SCRIPTS: Record<string, (path: string, args: string[], workspace: Workspace) => Promise<void> | void> = {
  "build-kmod.sh": buildKmod,
  "entitled-packages.sh": (_path, args, workspace) => entitledPackages(args, workspace),
};

const COMMANDS: Record<string, Command> = {
  "[": bracket,
  ":": () => undefined,
  true: () => undefined,
  false: () => exitWith(1),
  exit: ([code = "0"]) => exitWith(Number(code)),
  echo: (args, { say }) => say(args.join(" ")),
  mkdir: () => undefined,
  "sign-file": sign,
};

/**
 * Runs one command line of a RUN instruction. No process is started: what isn't in the tables above is a failure that
 * names it. Throws a CommandFailure for an exit code other than 0.
 */
export async function runCommand(words: string[], workspace: Workspace): Promise<void> {
  const [program = "", ...args] = words;
  const name = posix.basename(program);
  if (program.startsWith("/") && !exists(workspace.files, program)) {
    throw new CommandFailure(127, `/bin/sh: line 1: ${program}: No such file or directory`);
  }
  if (SHELLS.includes(name)) {
    await runScript(args, workspace);
    return;
  }
  const command = COMMANDS[name];
  if (command === undefined) throw unknownCommand(words);
  await command(args, workspace);
}

async function runScript([script = "", ...args]: string[], workspace: Workspace): Promise<void> {
  const run = SCRIPTS[posix.basename(script)];
  if (run === undefined) throw unknownCommand(["sh", script, ...args]);
  if (!workspace.files.has(script)) {
    throw new CommandFailure(127, `sh: ${script}: No such file or directory`);
  }
  await run(script, args, workspace);
}

/** `[ -e FILE ]`. */
function bracket(words: string[], { files }: Workspace): void {
  const [operator, path = "", end] = words;
  if (operator !== "-e" || end !== "]" || words.length !== 3) throw unknownCommand(["[", ...words]);
  exitWith(exists(files, path) ? 0 : 1);
}

function exitWith(code: number): void {
  if (code !== 0) throw new CommandFailure(code, "");
}

/** `sign-file sha256 KEY CERTIFICATE FILE`. */
function sign([algorithm, key = "", certificate = "", path = ""]: string[], { files, mounts }: Workspace): void {
  if (algorithm !== "sha256") throw new CommandFailure(1, `sign-file: digest ${algorithm ?? ""} is not known here`);
  const read = (mounted: string): Buffer => {
    const bytes = mounts.get(mounted);
    if (bytes === undefined) throw new CommandFailure(1, `sign-file: ${mounted}: No such file or directory`);
    return bytes;
  };
  const file = files.get(path);
  if (file === undefined) throw new CommandFailure(1, `sign-file: ${path}: No such file or directory`);
  try {
    files.set(path, signFile(read(key), read(certificate), file));
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(1, `sign-file: ${key}: ${(error as Error).message}`);
  }
}

function unknownCommand(words: string[]): BuildFailure {
  const known = [...Object.keys(COMMANDS), ...Object.keys(SCRIPTS)].join(", ");
  return new BuildFailure(
    "DockerBuildFailed",
    `the builder of this sandbox starts no containers and doesn't know: ${words.join(" ")} (it knows ${known})`,
  );
}
