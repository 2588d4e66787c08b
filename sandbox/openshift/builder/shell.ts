import { posix } from "node:path";
import { runCommand } from "./commands.ts";
import type { Files } from "./files.ts";
import { CommandFailure, type Workspace } from "./kmodScripts.ts";
import { shellCommands, type Variables } from "./variables.ts";

/** The one loop that is known, as KMM's Dockerfile for signing has it. */
const LOOP = /^\s*for\s+(\w+)\s+in\s+([^;]*);\s*do\s+(.*?);?\s*done\s*$/s;

/** Runs a RUN line as `/bin/sh -c` would: commands joined by `&&`, or a loop over such. Throws a CommandFailure. */
export async function runShell(line: string, variables: Variables, workspace: Workspace): Promise<void> {
  const text = line.replace(/\\\n/g, " ");
  const [, name, words = "", body = ""] = LOOP.exec(text) ?? [];
  if (name === undefined) return runList(text, variables, workspace);
  // A loop ends as its last round did; what failed before is forgotten.
  let failure: CommandFailure | undefined;
  for (const word of shellCommands(words, variables)
    .flat()
    .flatMap((each) => matches(workspace.files, each))) {
    failure = await runList(body, { ...variables, [name]: word }, workspace).then(() => undefined, commandFailure);
  }
  if (failure !== undefined) throw failure;
}

/** The first command that fails ends the list. */
async function runList(text: string, variables: Variables, workspace: Workspace): Promise<void> {
  for (const words of shellCommands(text, variables)) await runExec(words, workspace);
}

/** Runs one command, which says why it fails. */
export async function runExec(words: string[], workspace: Workspace): Promise<void> {
  try {
    await runCommand(words, workspace);
  } catch (error) {
    if (error instanceof CommandFailure && error.message !== "") workspace.say(error.message);
    throw error;
  }
}

function commandFailure(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  throw error;
}

/** The files that a pattern stands for, in their order; the pattern itself when there is none. */
function matches(files: Files, pattern: string): string[] {
  if (!/[*?[]/.test(pattern)) return [pattern];
  const found = [...files.keys()].filter((name) => posix.matchesGlob(name, pattern)).sort();
  return found.length === 0 ? [pattern] : found;
}
