/** A command's output: kept for the state, kept for the error, and passed on line by line to the engine. */
import type { EngineLog } from "../core/engineLog.ts";

/** The output of one run; each without its last newline, as the real plugin stores it. */
export interface CommandOutput {
  stdout: string;
  stderr: string;
}

/** Collects the output of one run. */
export class OutputCollector {
  readonly #log: EngineLog;
  readonly #urn: string;
  readonly #logs: { stdout: boolean; stderr: boolean };
  readonly #parts: { stream: "stdout" | "stderr"; bytes: Buffer }[] = [];
  #line = "";
  #logged: Promise<void> = Promise.resolve();

  constructor(log: EngineLog, urn: string, logs: { stdout: boolean; stderr: boolean }) {
    this.#log = log;
    this.#urn = urn;
    this.#logs = logs;
  }

  /** Takes a piece of a stream as it comes. */
  add(stream: "stdout" | "stderr", bytes: Buffer): void {
    this.#parts.push({ stream, bytes });
    if (!this.#logs[stream]) return;
    const lines = (this.#line + bytes.toString("utf8")).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#send(line);
  }

  /** Sends what is left of the last line; resolves when the engine has all lines. */
  async end(): Promise<void> {
    if (this.#line !== "") this.#send(this.#line);
    this.#line = "";
    await this.#logged;
  }

  /** The streams, one by one. */
  result(): CommandOutput {
    return { stdout: this.#join("stdout"), stderr: this.#join("stderr") };
  }

  /** The error of a failed run: what happened, the command's text, and both streams as they came. */
  failure(reason: string, command: string): Error {
    const all = Buffer.concat(this.#parts.map((part) => part.bytes)).toString("utf8");
    return new Error(`${reason}: running ${JSON.stringify(command)}:\n${all}`);
  }

  #join(stream: "stdout" | "stderr"): string {
    const parts = this.#parts.filter((part) => part.stream === stream).map((part) => part.bytes);
    return Buffer.concat(parts).toString("utf8").replace(/\n$/, "");
  }

  #send(line: string): void {
    // One after the other: the engine shows lines in the order in which they arrive.
    this.#logged = this.#logged.then(() => this.#log.status("info", line, this.#urn));
  }
}
