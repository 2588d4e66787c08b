import { spawn } from "node:child_process";
import { constants } from "node:os";

// Equal signals that come within this time are one: npm repeats what the process group has been sent already.
const coalesceMs = 500;

/** How {@link passThrough} runs a program. */
export interface PassThroughOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs a program in the place of this one: same stdin, stdout and stderr, its signals, its exit code (128 and the
 * signal's number when a signal ended it).
 *
 * A second interrupt makes Pulumi's engine drop what is in flight, so one Ctrl-C must be one signal to it. A terminal
 * sends Ctrl-C to every process in front, the program too, and npm then sends its own SIGINT to this one: on a
 * terminal SIGINT isn't passed on. Without a terminal the program gets a process group of its own, and hears only what
 * is passed on.
 */
export function passThrough(file: string, args: readonly string[], options: PassThroughOptions): Promise<number> {
  const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  const last = new Map<NodeJS.Signals, number>();
  const forward = (name: NodeJS.Signals) => {
    if (onTerminal && name === "SIGINT") return;
    if (Date.now() - (last.get(name) ?? 0) < coalesceMs) return;
    last.set(name, Date.now());
    child.kill(name);
  };
  // Before the program runs: on a busy machine it may be at work, and interrupted, before this process goes on.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, forward);
  const child = spawn(file, args, { ...options, stdio: "inherit", detached: !onTerminal });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
  });
}
