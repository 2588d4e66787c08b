import type { Duplex } from "node:stream";
import { consoleSettlingSeconds, consoleSilentSeconds } from "../../../core/patience.ts";
import { within } from "../../lib/clock.ts";
import { progress, StepError } from "../../lib/step.ts";
import { isSocket, openConsole } from "./consoleCommand.ts";

/** The most of what a console has shown that goes into an error, in characters. */
const shownLimit = 500;

/**
 * Opens a node's console and gives it back, before anything is done to the node.
 *
 * @throws StepError when it can't be opened, or ends at once
 */
export async function tryConsole(name: string, command: string): Promise<void> {
  progress(`${name}: trying its console`);
  const trouble = await troubleWith(command);
  if (trouble === undefined) return;
  throw new StepError(
    "OKMM-CONSOLE-UNUSABLE",
    `${name}: its console can't be used: ${trouble}; the node was not touched. Fix what its \`console\` names, or that setting, ` +
      "and run again",
  );
}

async function troubleWith(command: string): Promise<string | undefined> {
  try {
    return await endsAtOnce(await openConsole(command), isSocket(command) ? 0 : consoleSilentSeconds);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why a console ends as soon as it is open, with what it has shown; undefined when it stays. */
async function endsAtOnce(console: Duplex, silentSeconds: number): Promise<string | undefined> {
  let shown = "";
  const ended = new Promise<string>((resolve) => {
    console
      .once("error", (error) => resolve(error.message))
      .once("close", () => resolve("the console was closed at once"));
  });
  const spoke = new Promise<undefined>((resolve) => {
    console.on("data", (bytes: Buffer) => {
      shown = (shown + bytes.toString()).slice(-shownLimit);
      resolve(undefined);
    });
  });
  const why =
    (await within(silentSeconds * 1000, Promise.race([ended, spoke]))) ??
    (await within(consoleSettlingSeconds * 1000, ended));
  console.destroy();
  await ended;
  return why !== undefined && shown.trim() !== "" ? `${why} (it showed: ${shown.trim()})` : why;
}
