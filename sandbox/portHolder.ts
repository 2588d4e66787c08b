import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { markerOf } from "./controlPlane/directory.ts";

/**
 * Names ports of 127.0.0.1 together with who listens on them now, as far as this user may see it: "port 22011 (taken by
 * the sandbox in /home/me/onload-kmm/.sandbox)", "ports 20001, 20002 (taken by nginx, process 4242)".
 */
export function nameWithHolders(ports: readonly number[]): string {
  const byHolder = new Map<string, number[]>();
  for (const port of ports) {
    const holder = holderOf(port) ?? "another program";
    byHolder.set(holder, [...(byHolder.get(holder) ?? []), port]);
  }
  const groups = [...byHolder].map(([holder, held]) => `${held.join(", ")} (taken by ${holder})`);
  return `port${ports.length === 1 ? "" : "s"} ${groups.join(", ")}`;
}

function holderOf(port: number): string | undefined {
  const inodes = listeningSockets(port);
  if (inodes.size === 0) return undefined;
  const pid = numericEntries("/proc").find((each) => hasSocket(each, inodes));
  return pid === undefined ? undefined : describe(pid);
}

/** Inodes of the sockets that listen on this port, from /proc/net/tcp and tcp6 (proc_net_tcp.rst in the kernel's docs). */
function listeningSockets(port: number): Set<string> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listening = "0A";
  const rows = ["tcp", "tcp6"].flatMap((table) => read(`/proc/net/${table}`).split("\n").slice(1));
  const found = rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(local) === true && fields[3] === listening);
  return new Set(found.map((fields) => `socket:[${fields[9] ?? ""}]`));
}

function hasSocket(pid: string, sockets: ReadonlySet<string>): boolean {
  return numericEntries(`/proc/${pid}/fd`).some((fd) => sockets.has(target(`/proc/${pid}/fd/${fd}`)));
}

/** A sandbox's processes work in its state directory. */
function describe(pid: string): string {
  const directory = target(`/proc/${pid}/cwd`);
  if (directory !== "" && existsSync(markerOf(directory))) return `the sandbox in ${directory}`;
  return `${basename(target(`/proc/${pid}/exe`))}, process ${pid}`;
}

/** Another user's process shows nothing, and one that has just ended either. */
function numericEntries(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
