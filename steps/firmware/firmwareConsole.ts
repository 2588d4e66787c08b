import { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import { consoleReopenSeconds } from "../../core/patience.ts";
import { now, sleep } from "../lib/clock.ts";
import { openConsole } from "./console/consoleCommand.ts";
import { enrolOverConsole, type Outcome } from "./console/mokManager.ts";
import { progress, StepError } from "../lib/step.ts";

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

type Lost = Extract<Outcome, { kind: "lost" }>;

/**
 * The script at a node's console: opened before the node goes down, it answers MokManager there. A BMC may end a session
 * at any time, above all when its host resets: the console is then opened again, as often as it takes.
 */
export class FirmwareConsole {
  readonly #errand: ConsoleErrand;
  readonly #back = new AbortController();
  readonly #begun = new AbortController();
  readonly #watching: Promise<Outcome>;
  #lost: Lost | undefined;
  #saw: string | undefined;

  private constructor(errand: ConsoleErrand, console: Duplex) {
    this.#errand = errand;
    // In MokManager already, perhaps: nothing will be asked to reboot.
    if (errand.wake) this.begin();
    this.#watching = this.#watch(console);
  }

  /** @throws StepError when the console can't be opened */
  static async open(errand: ConsoleErrand): Promise<FirmwareConsole> {
    const console = await open(errand.console);
    if ("kind" in console) throw withoutConsole(errand.name, console);
    return new FirmwareConsole(errand, console);
  }

  /** @throws StepError when the console was lost, so that a reboot would leave the node in MokManager with nobody there */
  requireOpen(): void {
    if (this.#lost !== undefined) throw withoutConsole(this.#errand.name, this.#lost);
  }

  /** The node is asked to reboot now: what the console shows from here on may be MokManager, waiting. */
  begin(): void {
    this.#begun.abort();
  }

  /** What the script saw last, for the message of a wait that ended in vain; undefined when it saw nothing of note. */
  get saw(): string | undefined {
    return this.#saw;
  }

  /** Gives the console back: the node has returned, or is given up. */
  end(): void {
    this.#back.abort();
  }

  /** @throws StepError unless MokManager took the password */
  async complain(): Promise<void> {
    const outcome = await this.#watching;
    if (outcome.kind === "accepted") return;
    throw new StepError(
      "OKMM-CONSOLE-GAVEUP",
      `${this.#errand.name}: the console script gave up: ${whyNot(outcome)}. The node stays cordoned; look at its console, ` +
        `then run \`pulumi up\` again. Last on the screen:\n${outcome.screens}`,
    );
  }

  async #watch(first: Duplex): Promise<Outcome> {
    const { deadlineSeconds } = this.#errand;
    const { signal } = this.#back;
    const deadline = now() + deadlineSeconds * 1000;
    let console: Duplex | Lost = first;
    for (;;) {
      const outcome = await this.#answer(console, deadline);
      // Until the node is given up a person can still answer.
      if (outcome.kind === "refused") this.#say(`the script gave up: ${outcome.reason}`);
      if (outcome.kind !== "lost") return outcome;
      if (outcome.reason !== this.#lost?.reason) this.#say(`${outcome.reason}; opening it again`);
      this.#lost = outcome;
      await sleep(consoleReopenSeconds * 1000, signal);
      if (signal.aborted || now() >= deadline) return outcome;
      console = await open(this.#errand.console);
    }
  }

  #say(line: string): void {
    this.#saw = line;
    progress(`${this.#errand.name}: console: ${line}`);
  }

  async #answer(console: Duplex | Lost, deadline: number): Promise<Outcome> {
    if ("kind" in console) return console;
    const { password, request, certificate, wake } = this.#errand;
    return enrolOverConsole({
      console,
      password,
      request,
      certificate: new X509Certificate(certificate),
      log: (line) => this.#say(line),
      deadlineSeconds: (deadline - now()) / 1000,
      signal: this.#back.signal,
      begin: this.#begun.signal,
      wake: wake || this.#lost !== undefined,
    });
  }
}

const open = (console: string): Promise<Duplex | Lost> =>
  openConsole(console).catch((error: unknown) => ({ kind: "lost", reason: (error as Error).message, screens: "" }));

const withoutConsole = (name: string, { reason, screens }: Lost): StepError =>
  new StepError(
    "OKMM-CONSOLE-LOST",
    `${name}: ${reason}; the node was not rebooted, and stays cordoned. Fix its \`console\`, and run \`pulumi up\` again` +
      (screens === "" ? "" : `. Last on the screen:\n${screens}`),
  );

function whyNot(outcome: Exclude<Outcome, { kind: "accepted" }>): string {
  if (outcome.kind === "no-prompt") return "MokManager didn't show itself on this console";
  return outcome.kind === "lost" ? outcome.reason : `${outcome.reason} (it ${outcome.left})`;
}
