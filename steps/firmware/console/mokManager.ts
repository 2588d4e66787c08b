/**
 * Drives shim's MokManager over a serial console: reads the screen, acts on what it recognises, types the password once,
 * and gives up on anything else.
 */
import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  deafConsoleSeconds,
  keyAnswerSeconds,
  keyTries,
  typingMilliseconds,
  unknownScreenSeconds,
} from "../../../core/patience.ts";
import { now } from "../../lib/clock.ts";
import { type Decision, type Progress, decide } from "./decide.ts";
import { type Request, keys } from "./menu.ts";
import { ConsoleReader } from "./reader.ts";
import type { View } from "./view.ts";

/** How an enrolment over a console ended. */
export type Outcome =
  /** MokManager accepted the password, changed the list of keys and is rebooting the machine. */
  | { kind: "accepted" }
  /**
   * The driver gave up. `left` tells what it left behind: a machine that `boots on` without the key, or a console that
   * stands `as it was` because nothing on it was recognised. `screens` are the last ones, with the password masked.
   */
  | { kind: "refused"; reason: string; left: "boots on" | "as it was"; screens: string }
  /** The caller ended the wait, or its time was up, before MokManager had shown itself. */
  | { kind: "no-prompt"; screens: string }
  /** The console closed by itself; MokManager, if it is open, still waits for an answer. */
  | { kind: "lost"; reason: string; screens: string };

/** What the driver needs to know. */
export interface EnrolOptions {
  /** The serial console as a terminal. It is closed at the end, however that comes. */
  console: Duplex;
  /** The password given to `mokutil`: printable ASCII. Typed once, never logged. */
  password: string;
  /** What the node asked for. Default: enrol. */
  request?: Request;
  /** The certificate in the request; with it, MokManager's list of keys is compared and must hold nothing else. */
  certificate?: X509Certificate;
  /** One line a step, for the person who waits. */
  log: (line: string) => void;
  /** Seconds from now after which the driver gives up, wherever it is. */
  deadlineSeconds: number;
  /** Ends the wait for MokManager, because the node was seen up again: only that tells that it has booted on. */
  signal?: AbortSignal;
  /**
   * Aborts when the machine is asked to reboot; absent: now. What the console shows before is nothing to act on: many show
   * old screens again when they are opened.
   */
  begin?: AbortSignal;
  /**
   * True where MokManager may have been open before the console was: a blank is sent into silence, which makes it
   * paint its menu again. On a login prompt a blank does nothing.
   */
  wake?: boolean;
  /** Called with each screen that the driver acts on, its password masked: `name` says what it did. */
  recordScreen?: (name: string, screen: string) => void;
}

/** Answers the node's request in MokManager. Never rejects for what the console shows: that is an `Outcome`. */
export async function enrolOverConsole(options: EnrolOptions): Promise<Outcome> {
  const reader = new ConsoleReader(options.console, {
    secret: options.password,
    deadline: now() + options.deadlineSeconds * 1000,
    signal: options.signal,
  });
  try {
    return await new Driver(reader, options).run();
  } finally {
    reader.close();
  }
}

class Driver {
  readonly #reader: ConsoleReader;
  readonly #options: EnrolOptions;
  #progress: Progress;
  #metMokManager = false;
  /** A boot that the console has shown, this one's or an older one's. */
  #boot: string | undefined;
  /** Why the last key may have had no effect. */
  #deaf: string | undefined;

  constructor(reader: ConsoleReader, options: EnrolOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#progress = this.#untouched(options.wake === true);
  }

  #untouched(resumed: boolean): Progress {
    const { request = "enrol", certificate } = this.#options;
    const fingerprint = certificate?.fingerprint.replaceAll(":", "");
    const known = fingerprint === undefined ? {} : { fingerprint };
    return { request, ...known, checkedKeys: new Set(), passwordTyped: false, resumed };
  }

  async run(): Promise<Outcome> {
    if (this.#options.begin !== undefined) await this.#reader.idle(this.#options.begin);
    for (;;) {
      const outcome = await this.#step();
      if (outcome) return outcome;
    }
  }

  async #step(): Promise<Outcome | undefined> {
    const seen = await this.#reader.settled();
    if (seen === "ended") return this.#ended();
    if (seen === "booted on") return this.#bootedOn();
    if (seen.kind !== "other") this.#metMokManager = true;
    const decision = decide(seen, this.#progress);
    if (decision.act === "wait") return this.#waitFor(seen);
    return this.#carryOut(decision, seen);
  }

  /**
   * A boot loader or a kernel writes: in this boot or in an older one, which BMCs show again, minutes late too. Only the node
   * itself tells which, so the script watches on; MokManager, if it is still open, is found by its answer to a blank.
   */
  #bootedOn(): Outcome | undefined {
    const { refusal } = this.#progress;
    if (refusal !== undefined) return this.#refused(refusal, "boots on");
    const boot = this.#metMokManager ? "the machine booted on while MokManager was open" : "the machine booted";
    if (this.#boot !== boot) this.#options.log(`it looks as if ${boot}; that may be an older boot's text: watching on`);
    this.#boot = boot;
    this.#metMokManager = false;
    this.#deaf = undefined;
    this.#progress = this.#untouched(true);
    this.#reader.forgetBoot();
    return undefined;
  }

  /** The console closed, or the time is up. */
  #ended(): Outcome {
    const screens = this.#reader.transcript();
    const { refusal } = this.#progress;
    const why = this.#reader.endedBecause ?? "";
    if (this.#reader.isLost && refusal === undefined)
      return { kind: "lost", reason: this.#reader.masked(why), screens };
    if (this.#metMokManager) return this.#refused(refusal ?? this.#deaf ?? why, "as it was");
    return this.#boot?.includes("MokManager") === true
      ? this.#refused(this.#boot, "boots on")
      : { kind: "no-prompt", screens };
  }

  async #waitFor(view: View): Promise<Outcome | undefined> {
    const changed = await this.#reader.changed(unknownScreenSeconds * 1000);
    if (changed) return undefined;
    if (view.kind === "other") {
      if (this.#progress.resumed === true && !this.#metMokManager) this.#reader.send(keys.any);
      return undefined;
    }
    const lines = "lines" in view ? view.lines.join(" | ") : "";
    return this.#refused(`MokManager shows something unknown, which a person must look at: ${lines}`, "as it was");
  }

  async #carryOut(decision: Exclude<Decision, { act: "wait" }>, view: View): Promise<Outcome | undefined> {
    switch (decision.act) {
      case "refuse":
        this.#options.log(`MokManager: ${decision.reason}`);
        this.#record("give up");
        this.#progress = { ...this.#progress, refusal: decision.reason };
        return undefined;
      case "type password":
        this.#options.log("MokManager: type the password");
        this.#record("type the password");
        await this.#reader.type(this.#options.password, typingMilliseconds);
        this.#progress = { ...this.#progress, passwordTyped: true };
        await this.#press("enter", view);
        return undefined;
      case "press":
        if (decision.key === "enter" || decision.key === "any") this.#options.log(`MokManager: ${decision.why}`);
        this.#record(decision.why);
        this.#progress = { ...this.#progress, ...decision.progress };
        await this.#press(decision.key, view);
        return undefined;
      case "leave":
        this.#options.log(`MokManager: ${decision.why}`);
        this.#record(decision.why);
        await this.#press("enter", view);
        return this.#progress.refusal === undefined
          ? { kind: "accepted" }
          : this.#refused(this.#progress.refusal, "boots on");
    }
  }

  /** Presses a key and waits until the screen answers. Arrows and the harmless key are pressed again if one got lost. */
  async #press(key: keyof typeof keys, view: View): Promise<void> {
    if (await this.#isAnswered(key, view)) {
      this.#deaf = undefined;
      this.#progress = { ...this.#progress, pressed: true };
      return;
    }
    this.#deaf = "the console shows MokManager but doesn't answer to keys; is it open read-only?";
    this.#options.log(`${this.#deaf} Or this is an older boot's screen: watching on`);
    await this.#reader.changed(Infinity, view);
  }

  async #isAnswered(key: keyof typeof keys, view: View): Promise<boolean> {
    const tries = key === "enter" ? 1 : keyTries;
    for (let tried = 0; tried < tries; tried += 1) {
      this.#reader.send(keys[key]);
      if (await this.#reader.changed((keyAnswerSeconds * 1000) / tries, view)) return true;
    }
    return this.#reader.changed(deafConsoleSeconds * 1000, view);
  }

  #record(name: string): void {
    this.#options.recordScreen?.(name, this.#reader.screen());
  }

  #refused(reason: string, left: "boots on" | "as it was"): Outcome {
    return { kind: "refused", reason: this.#reader.masked(reason), left, screens: this.#reader.transcript() };
  }
}
