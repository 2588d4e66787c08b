/** What one command costs: its own process and everything that it starts. */
import { readdirSync, readFileSync } from "node:fs";

/** What was measured of one run. */
export interface Usage {
  /** Seconds from start to end. */
  readonly wall: number;
  /** Seconds of processors, user's and system's. */
  readonly cpu: number;
  /** Seconds of processors that others used for it meanwhile: here the sandbox, which plays the cluster and the nodes. */
  readonly others: number;
  /** Most bytes at once that processes had to themselves: shared libraries and mapped files aren't counted. */
  readonly memory: number;
}

/** Between two looks at the memory. Far rarer than that, a short peak is missed; more often, looking costs what is measured. */
const lookMs = 200;

/** Of /proc's times: Linux has 100 on each architecture that Node runs on (`getconf CLK_TCK`). */
const ticksPerSecond = 100;
const pageBytes = 4096;

/**
 * Measures a command that is the leader of a session, until it has ended. Nothing else may be started and awaited by this
 * process meanwhile: the kernel adds up the time of children that have ended, and of theirs.
 *
 * @param start starts the command, and gives its process id and its end
 * @param others processes that work for it meanwhile, with what they start and await
 */
export async function measured<T>(
  start: () => { readonly pid?: number | undefined; readonly end: Promise<T> },
  others: readonly number[] = [],
): Promise<{ readonly usage: Usage; readonly ended: T }> {
  const [begin, before, othersBefore] = [performance.now(), endedChildren(), usedBy(others)];
  const { pid, end } = start();
  let memory = 0;
  const look = setInterval(() => (memory = Math.max(memory, ownMemory(pid))), lookMs);
  try {
    const ended = await end;
    const wall = (performance.now() - begin) / 1000;
    // Plugins may outlive the engine: what they have used so far is theirs, too.
    const cpu = endedChildren() - before + stillRunning(pid);
    return { usage: { wall, cpu, others: usedBy(others) - othersBefore, memory }, ended };
  } finally {
    clearInterval(look);
  }
}

/** Fields of /proc/PID/stat behind the program's name, which may hold spaces and parentheses (proc_pid_stat(5)). */
function fieldsOf(pid: number | "self"): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
}

/** Where they stand, the process's state being the first. */
const field = { session: 3, user: 11, system: 12, childrenUser: 13, childrenSystem: 14 } as const;

/** Seconds that children of this process have used, which have ended and were waited for, and theirs. */
function endedChildren(): number {
  const fields = fieldsOf("self");
  return ((fields[field.childrenUser] ?? NaN) + (fields[field.childrenSystem] ?? NaN)) / ticksPerSecond;
}

/** Seconds that these processes and their children that have ended have used. */
const usedBy = (pids: readonly number[]): number => pids.reduce((all, pid) => all + used(pid), 0);

function used(pid: number): number {
  const { user, system, childrenUser, childrenSystem } = field;
  const fields = fieldsOf(pid);
  return [user, system, childrenUser, childrenSystem].reduce((all, at) => all + (fields[at] ?? 0), 0) / ticksPerSecond;
}

/** Seconds that processes of the session have used which haven't ended. */
const stillRunning = (session: number | undefined): number => sum(session, used);

/** Bytes that the session's processes have to themselves now (proc_pid_statm(5): resident without shared). */
function ownMemory(session: number | undefined): number {
  return sum(session, (pid) => {
    const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ").map(Number);
    return (resident - shared) * pageBytes;
  });
}

/** Adds up over the processes of a session; one that ends meanwhile has nothing. */
function sum(session: number | undefined, of: (pid: number) => number): number {
  let all = 0;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      if (fieldsOf(pid)[field.session] === session) all += of(pid);
    } catch {
      // It has ended.
    }
  }
  return all;
}
