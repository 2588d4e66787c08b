/** Asks a person for what the command line didn't say. */
import { createInterface } from "node:readline/promises";

/** Whether somebody is there to be asked. */
export const isAttended = (): boolean => process.stdin.isTTY && process.stdout.isTTY;

/** The answer to one question; `otherwise` for an empty one. */
export async function ask(question: string, otherwise = ""): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C comes here while a question stands; nothing is under way then.
  terminal.once("SIGINT", () => process.exit(130));
  try {
    const hint = otherwise === "" ? "" : ` [${otherwise}]`;
    return (await terminal.question(`${question}${hint}: `)).trim() || otherwise;
  } finally {
    terminal.close();
  }
}
