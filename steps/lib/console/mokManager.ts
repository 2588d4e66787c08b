/**
 * Drives shim's MokManager over a serial console: reads the screen, acts on what it recognises, types the password once,
 * and gives up on anything else.
 */
import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import { now } from "../clock.ts";
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
  /** The machine booted past MokManager, or the caller ended the wait, before MokManager had shown itself. */
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
  /** Ends the wait for MokManager, for instance because the node was seen up again. */
  signal?: AbortSignal;
  /**
   * True where MokManager may have been open before the console was: a blank is sent into silence, which makes it
   * paint its menu again. On a login prompt a blank does nothing.
   */
  wake?: boolean;
  /** Called with each screen that the driver acts on, its password masked: `name` says what it did. */
  recordScreen?: (name: string, screen: string) => void;
}

/** A finished picture that nobody knows is looked at this long before the driver says so, in milliseconds. */
const unknownAfter = 5000;
/** How long a key may take to show its effect, in milliseconds. */
const keyAnswerWithin = 10_000;
/** How long the console may then be silent before it counts as read-only: a machine that lost its power shows nothing at first. */
const silenceAfterKey = 60_000;
/** Between two characters of the password: consoles drop what is typed faster. */
const typingPause = 40;

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

  constructor(reader: ConsoleReader, options: EnrolOptions) {
    this.#reader = reader;
    this.#options = options;
    const fingerprint = options.certificate?.fingerprint.replaceAll(":", "");
    this.#progress = {
      request: options.request ?? "enrol",
      ...(fingerprint === undefined ? {} : { fingerprint }),
      checkedKeys: new Set(),
      passwordTyped: false,
      resumed: options.wake === true,
    };
  }

  async run(): Promise<Outcome> {
    for (;;) {
      const outcome = await this.#step();
      if (outcome) return outcome;
    }
  }

  async #step(): Promise<Outcome | undefined> {
    const seen = await this.#reader.settled();
    if (seen === "ended" || seen === "booted on") return this.#withoutScreen(seen);
    if (seen.kind !== "other") this.#metMokManager = true;
    const decision = decide(seen, this.#progress);
    if (decision.act === "wait") return this.#waitFor(seen);
    return this.#carryOut(decision, seen);
  }

  /** The console closed, the time is up, or the machine went past MokManager. */
  #withoutScreen(why: "ended" | "booted on"): Outcome {
    const screens = this.#reader.transcript();
    const { refusal } = this.#progress;
    const whyEnded = this.#reader.endedBecause ?? "";
    if (this.#reader.isLost && refusal === undefined)
      return { kind: "lost", reason: this.#reader.masked(whyEnded), screens };
    if (!this.#metMokManager) return { kind: "no-prompt", screens };
    const reason = why === "ended" ? whyEnded : "the machine booted on while MokManager was open";
    return this.#refused(refusal ?? reason, why === "ended" ? "as it was" : "boots on");
  }

  async #waitFor(view: View): Promise<Outcome | undefined> {
    const changed = await this.#reader.changed(unknownAfter);
    if (changed) return undefined;
    if (view.kind === "other") {
      if (this.#options.wake === true && !this.#metMokManager) this.#reader.send(keys.any);
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
        await this.#reader.type(this.#options.password, typingPause);
        this.#progress = { ...this.#progress, passwordTyped: true };
        return this.#press("enter", view);
      case "press":
        if (decision.key === "enter" || decision.key === "any") this.#options.log(`MokManager: ${decision.why}`);
        this.#record(decision.why);
        this.#progress = { ...this.#progress, ...decision.progress };
        return this.#press(decision.key, view);
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
  async #press(key: keyof typeof keys, view: View): Promise<Outcome | undefined> {
    const attempts = key === "enter" ? 1 : 3;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      this.#reader.send(keys[key]);
      if (await this.#reader.changed(keyAnswerWithin / attempts, view)) return undefined;
    }
    if (await this.#reader.changed(silenceAfterKey, view)) return undefined;
    return this.#refused("the console shows MokManager but doesn't answer to keys; is it open read-only?", "as it was");
  }

  #record(name: string): void {
    this.#options.recordScreen?.(name, this.#reader.screen());
  }

  #refused(reason: string, left: "boots on" | "as it was"): Outcome {
    return { kind: "refused", reason: this.#reader.masked(reason), left, screens: this.#reader.transcript() };
  }
}
