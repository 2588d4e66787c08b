import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/**
 * One process, told apart from every later one with the same id: `started` is the machine's boot ID and the start time
 * in clock ticks since that boot.
 */
export interface ProcessRecord {
  readonly pid: number;
  readonly started: string;
}

/** How to start a process that outlives its parent. */
export interface StartOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** stdout and stderr are appended to it. */
  readonly logFile: string;
}

/**
 * Start time from the text of /proc/PID/stat (proc(5), field 22). `undefined` for a zombie: it has ended, whether its
 * parent has noticed or not. The second field may hold spaces and parentheses, so fields count from the last `)`.
 */
export function parseStartTime(stat: string): string | undefined {
  const fields = fieldsBehindName(stat);
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

const fieldsBehindName = (stat: string): string[] => stat.slice(stat.lastIndexOf(")") + 2).split(" ");

/** The process that has this id now; `undefined` when none has. */
export function identify(pid: number): ProcessRecord | undefined {
  try {
    const ticks = parseStartTime(readFileSync(`/proc/${pid}/stat`, "utf8"));
    if (ticks === undefined) return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return { pid, started: `${boot}/${ticks}` };
  } catch {
    return undefined;
  }
}

/** Whether exactly this process still runs (a stopped one does). */
export function isAlive(record: ProcessRecord | undefined): boolean {
  return record !== undefined && identify(record.pid)?.started === record.started;
}

/** Starts a process in a session of its own, so that neither Ctrl-C nor the end of this process reaches it. */
export async function startDetached(options: StartOptions): Promise<ProcessRecord> {
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
  const record = child.pid === undefined ? undefined : identify(child.pid);
  if (!record) throw new Error(`${options.command} ended at once; its log is ${options.logFile}`);
  return record;
}

/** Sends a signal to this process and no other. False when it has ended. */
export function signal(record: ProcessRecord, name: NodeJS.Signals): boolean {
  if (!isAlive(record)) return false;
  try {
    return process.kill(record.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/**
 * Stops a process where it is (SIGSTOP), until SIGCONT, and resolves when it stands or has ended: on a busy machine its threads
 * still run for a moment after the signal.
 */
export async function pause(record: ProcessRecord): Promise<void> {
  signal(record, "SIGSTOP");
  while (isAlive(record) && !stands(record.pid)) await delay(5);
}

/** Whether all threads of a process are stopped (proc(5): state `T`). */
function stands(pid: number): boolean {
  const threads = `/proc/${pid}/task`;
  try {
    const states = readdirSync(threads).map((id) => readFileSync(`${threads}/${id}/stat`, "utf8"));
    return states.every((stat) => fieldsBehindName(stat)[0] === "T");
  } catch {
    // One of them has ended meanwhile.
    return false;
  }
}

/** Resolves with true once the process has ended, with false after `timeoutMs`. */
export async function ended(record: ProcessRecord, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(record)) {
    if (Date.now() > deadline) return false;
    await delay(25);
  }
  return true;
}

/** Ends a process and what is left of its process group: SIGTERM, and SIGKILL after `graceMs`. */
export async function endProcess(record: ProcessRecord, graceMs: number): Promise<void> {
  if (signal(record, "SIGTERM")) {
    signal(record, "SIGCONT"); // a stopped process takes no SIGTERM
    if (!(await ended(record, graceMs))) {
      signal(record, "SIGKILL");
      await ended(record, 5000);
    }
    signalGroup(record.pid, "SIGKILL");
  }
}

/** Signals a process group, if it is still there. A group keeps its id as long as it has members, so no stranger can have it yet. */
export function signalGroup(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
