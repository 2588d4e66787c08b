import type { SwitchName } from "../../switches.ts";
import type { Machine } from "../machine.ts";

/** One call of a command on a node. */
export interface Call {
  machine: Machine;
  args: string[];
  /** Called by way of sudo. */
  root: boolean;
  /** Whether a failure switch asks for trouble on this machine. */
  failing: (name: SwitchName) => boolean;
  /** A file of the node, by absolute path or relative to the caller's directory; null when there is none. */
  readFile: (path: string) => Buffer | null;
  /** What the caller gave on stdin; empty when the command doesn't read it. */
  stdin: string;
}

/** How a command ended. */
export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** A failure with one line on stderr. */
export const failed = (code: number, message: string): Result => ({ code, stdout: "", stderr: `${message}\n` });

/** Success with these lines on stdout. */
export const printed = (...lines: string[]): Result => ({
  code: 0,
  stdout: lines.map((line) => `${line}\n`).join(""),
  stderr: "",
});
