/** Runs one part in a process of its own, which may fail, die or hang without harm to the other parts. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { signalGroup } from "@onload-kmm/sandbox/controlPlane/processes";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import type { Part } from "./parts.ts";
import type { Failure, Report, Result } from "./result.ts";

// What each file's process compiles is kept for the next one.
const compileCache = join(projectRoot, "node_modules/.cache/node");
const runsFiles = join(import.meta.dirname, "files.ts");
// How long a part may take to end once it is told to: sandboxes are ended in it.
const endWithinMs = 60_000;

/**
 * Runs a part to its end, with its output where `output` says. `stop` ends it before its time.
 * Never rejects: whatever happens to the part is its result.
 */
export async function runPart(
  part: Part,
  stop: AbortSignal,
  output: "inherit" | "ignore" = "inherit",
): Promise<Result> {
  const started = performance.now();
  const heard: Heard = { passed: 0, skipped: 0, failures: [], over: false };
  const child = start(part, output);
  child.on("message", (report: Report) => hear(heard, report));
  const ending = endInTime(child, part.limitMinutes, stop);
  const ended = await once(child, "close").then(
    ([code, signal]) => (signal as string | null) ?? `exit code ${code as number}`,
    (error: unknown) => String(error),
  );
  ending.dispose();
  const wrong = wrongWith(part, heard, ending.why() ?? ended);
  if (wrong !== undefined) heard.failures.push({ name: "(the part as a whole)", why: wrong });
  else if ("command" in part.runs) heard.passed = 1;
  return { part: part.name, ...heard, elapsedMs: performance.now() - started };
}

/** What a part has told until now. */
interface Heard {
  passed: number;
  skipped: number;
  failures: Failure[];
  /** It came to its end by itself. */
  over: boolean;
  notRun?: string;
}

function hear(heard: Heard, report: Report): void {
  switch (report.type) {
    case "passed":
    case "skipped":
      heard[report.type] += 1;
      break;
    case "failed":
      heard.failures.push({ name: report.name, why: report.why, ...(report.file && { file: report.file }) });
      break;
    case "notRun":
      heard.notRun = report.why;
      break;
    case "over":
      heard.over = true;
  }
}

/** What makes a part red beside the tests that failed; a part that tested nothing is no success. */
function wrongWith({ runs }: Part, heard: Heard, ended: string): string | undefined {
  if (heard.notRun !== undefined) return undefined;
  if ("command" in runs) return ended === "exit code 0" ? undefined : ended;
  if (!heard.over || ended !== "exit code 0") return `ended before it was over: ${ended}`;
  return heard.passed === 0 && heard.failures.length === 0 ? "no test was run" : undefined;
}

function start({ runs }: Part, output: "inherit" | "ignore"): ChildProcess {
  // Set where a test of this runner runs it; a test runner within a test runner runs nothing.
  const env: NodeJS.ProcessEnv = { NODE_COMPILE_CACHE: compileCache, ...process.env };
  delete env["NODE_TEST_CONTEXT"];
  // Groups of their own, to be ended as one: npm, told to end, ends its child and not what that has started.
  const common = { env, cwd: projectRoot, detached: true };
  if ("tests" in runs) {
    const args = [runsFiles, JSON.stringify(runs.tests)];
    return spawn(process.execPath, args, { ...common, stdio: ["ignore", output, output, "ipc"] });
  }
  const [file, ...args] = runs.command;
  return spawn(file, args, { ...common, stdio: ["ignore", output, output] });
}

/** Ends the child after its time, or when `stop` says so: asks first, since it has processes of its own to end. */
function endInTime(child: ChildProcess, limitMinutes: number, stop: AbortSignal) {
  const signalAll = (name: NodeJS.Signals): void => {
    // Without an id it never started.
    if (child.pid !== undefined) signalGroup(child.pid, name);
  };
  let why: string | undefined;
  let kill: NodeJS.Timeout | undefined;
  const end = (reason: string): void => {
    if (why !== undefined) return;
    why = reason;
    if (child.connected) child.send("stop");
    else signalAll("SIGTERM");
    kill = setTimeout(() => signalAll("SIGKILL"), endWithinMs);
  };
  const limit = setTimeout(() => end(`took longer than ${limitMinutes} min`), limitMinutes * 60_000);
  const stopped = (): void => end("stopped");
  if (stop.aborted) stopped();
  stop.addEventListener("abort", stopped);
  return {
    why: () => why,
    dispose: () => {
      clearTimeout(limit);
      clearTimeout(kill);
      stop.removeEventListener("abort", stopped);
    },
  };
}
