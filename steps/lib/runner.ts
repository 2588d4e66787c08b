/** Which run of the engine a step belongs to. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * The process that started this one: the command provider. The engine starts one for each run and ends it with the run, so
 * its number, and when it began, name the run. Nothing else that steps are given could: an input that differs from run to
 * run would be a change in each plan.
 */
export const runner = (): string => `${process.ppid}-${beginOf(process.ppid)}`;

/** Whether that process still is there. */
export function isAlive(name: string): boolean {
  const [pid = "", began] = name.split("-");
  return beginOf(Number(pid)) === began;
}

/** When a process began, as the system counts; empty where there is none. Numbers of processes are used again. */
function beginOf(pid: number): string {
  try {
    // Behind the program's name in parentheses; the 22nd of all fields (proc_pid_stat(5), "starttime").
    return (
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")[19] ?? ""
    );
  } catch {
    return process.platform === "linux" ? "" : beginByPs(pid);
  }
}

function beginByPs(pid: number): string {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).replaceAll(/\W/g, "");
  } catch {
    return "";
  }
}
