/** A command's output: kept for the state, kept for the error, and passed on line by line to the engine. */
import { isUtf8 } from "node:buffer";
import type { EngineLog } from "../core/engineLog.ts";

/**
 * Where the real plugin's reader of lines ends, in bytes: a Go bufio.Scanner gives up on a line that doesn't fit. A command
 * that keeps writing waits forever, and so does everything that waits for the command's end, killed or not.
 */
const LONGEST_LINE = 64 * 1024;

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
  #line: Buffer = Buffer.alloc(0);
  #isStuck = false;
  #logged: Promise<void> = Promise.resolve();

  constructor(log: EngineLog, urn: string, logs: { stdout: boolean; stderr: boolean }) {
    this.#log = log;
    this.#urn = urn;
    this.#logs = logs;
  }

  /** Takes a piece of a stream as it comes; false when nobody will read from this stream any more. */
  add(stream: "stdout" | "stderr", bytes: Buffer): boolean {
    this.#parts.push({ stream, bytes });
    if (!this.#logs[stream]) return true;
    if (!this.#isStuck) this.#takeLines(Buffer.concat([this.#line, bytes]));
    return !this.#isStuck;
  }

  /** Sends what is left of the last line; resolves when the engine has all lines, and never after one that was too long. */
  async end(): Promise<void> {
    if (this.#isStuck) await new Promise(() => undefined);
    if (this.#line.length > 0) this.#send(this.#line);
    this.#line = Buffer.alloc(0);
    await this.#logged;
  }

  /** The streams, one by one; throws where a byte is none of UTF-8's, which the answer to the engine can't hold. */
  result(): CommandOutput {
    if (!isUtf8(this.#bytes("stdout")) || !isUtf8(this.#bytes("stderr"))) {
      throw new Error("grpc: error while marshaling: string field contains invalid UTF-8");
    }
    return { stdout: this.#join("stdout"), stderr: this.#join("stderr") };
  }

  /** The error of a failed run: what happened, the command's text, and both streams as they came. */
  failure(reason: string, command: string): Error {
    const all = Buffer.concat(this.#parts.map((part) => part.bytes)).toString("utf8");
    return new Error(`${reason}: running ${JSON.stringify(command)}:\n${all}`);
  }

  #bytes(stream: "stdout" | "stderr"): Buffer {
    return Buffer.concat(this.#parts.filter((part) => part.stream === stream).map((part) => part.bytes));
  }

  #join(stream: "stdout" | "stderr"): string {
    return this.#bytes(stream).toString("utf8").replace(/\n$/, "");
  }

  #takeLines(bytes: Buffer): void {
    let rest = bytes;
    for (let end = rest.indexOf("\n"); end >= 0 && end < LONGEST_LINE; end = rest.indexOf("\n")) {
      this.#send(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    this.#line = rest;
    // All that fits has been read by then: only what comes after it finds no reader.
    this.#isStuck = rest.length > LONGEST_LINE;
  }

  #send(bytes: Buffer): void {
    const line = bytes.toString("utf8");
    // One after the other: the engine shows lines in the order in which they arrive.
    this.#logged = this.#logged.then(() => this.#log.status("info", line, this.#urn));
  }
}
