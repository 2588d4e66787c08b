/** What a step does at a node's console: opens it, lets the driver answer MokManager, keeps the screens of a failure. */
import type { X509Certificate } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { openConsole } from "./consoleCommand.ts";
import type { Request } from "./menu.ts";
import { type Outcome, enrolOverConsole } from "./mokManager.ts";

/** A node whose MokManager is to be answered. */
export interface Errand {
  /** The node's name, for log lines and the file of screens. */
  name: string;
  /** The node's `console` setting; see {@link openConsole}. */
  console: string;
  /** From memory to the terminal; never in arguments, logs or files. */
  password: string;
  certificate: X509Certificate;
  request?: Request;
  timeoutMinutes: number;
  /** True when a killed run may have left MokManager open: it is made to paint its menu again. */
  wake?: boolean;
  /** Ends the wait, once the node was seen up again. */
  signal?: AbortSignal;
  /** Where screens of a failure go, as `mokmanager-<node>.txt` that only the user can read. */
  screensDirectory: string;
  log: (line: string) => void;
}

/**
 * Answers MokManager at the next boot. Start it *before* asking for the reboot: what a console shows before it is open is
 * lost. Resolves when the request was accepted, refused, or MokManager did not come.
 *
 * @throws an Error if the console can't be opened, before anything was typed.
 */
export async function answerMokManager(errand: Errand): Promise<Outcome> {
  const { name, timeoutMinutes, screensDirectory, log, console: setting, ...options } = errand;
  const outcome = await enrolOverConsole({
    ...options,
    console: await openConsole(setting),
    log: (line) => log(`${name}: ${line}`),
    deadlineSeconds: timeoutMinutes * 60,
  });
  if (outcome.kind !== "refused") return outcome;
  const file = path.join(screensDirectory, `mokmanager-${name}.txt`);
  await mkdir(screensDirectory, { recursive: true });
  await writeFile(file, `${outcome.reason}\n\n${outcome.screens}\n`, { mode: 0o600 });
  log(`${name}: the screens that led to this are in ${file}`);
  return outcome;
}
