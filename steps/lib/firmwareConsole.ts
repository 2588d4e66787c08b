import { X509Certificate } from "node:crypto";
import { openConsole } from "./console/consoleCommand.ts";
import { enrolOverConsole, type Outcome } from "./console/mokManager.ts";
import { progress, StepError } from "./step.ts";

/** What the script at the console needs: where it is, and what it is to type. */
export interface ConsoleErrand {
  readonly name: string;
  /** Command, `unix:PATH` or `tcp:HOST:PORT` that gives a bidirectional terminal. */
  readonly console: string;
  readonly password: string;
  /** What the node asks MokManager for. */
  readonly request: "enrol" | "delete";
  /** The certificate in PEM: MokManager's list must hold this key and no other. */
  readonly certificate: string;
  readonly deadlineSeconds: number;
  /** The node was powered on, perhaps into MokManager, before this console was opened. */
  readonly wake: boolean;
}

/**
 * Opens a node's console before it goes down, and answers MokManager there.
 *
 * @returns `end`, for when the node is back, and `complain`, which throws StepError unless MokManager took the password
 */
export async function attendConsole(
  errand: ConsoleErrand,
): Promise<{ end: () => void; complain: () => Promise<void> }> {
  const back = new AbortController();
  const watching = enrolOverConsole({
    console: await openConsole(errand.console),
    password: errand.password,
    request: errand.request,
    certificate: new X509Certificate(errand.certificate),
    log: (line) => progress(`${errand.name}: console: ${line}`),
    deadlineSeconds: errand.deadlineSeconds,
    signal: back.signal,
    wake: errand.wake,
  });
  void watching.then((outcome) => {
    // Until the node is given up a person can still answer.
    if (outcome.kind === "refused") progress(`${errand.name}: console: the script gave up: ${outcome.reason}`);
  });
  return {
    end: () => back.abort(),
    complain: async () => {
      const outcome = await watching;
      if (outcome.kind !== "accepted") throw new StepError(complaint(errand.name, outcome));
    },
  };
}

function complaint(name: string, outcome: Exclude<Outcome, { kind: "accepted" }>): string {
  const why =
    outcome.kind === "refused"
      ? `${outcome.reason} (it ${outcome.left})`
      : "MokManager didn't show itself on this console";
  return (
    `${name}: the console script gave up: ${why}. The node stays cordoned; look at its console, then run \`pulumi up\` again. ` +
    `Last on the screen:\n${outcome.screens}`
  );
}
