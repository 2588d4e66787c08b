import { efibootmgr } from "./efibootmgr.ts";
import { ethtool, lsmod, lspci, modinfo, uname } from "./inspect.ts";
import { modprobe } from "./modprobe.ts";
import { mokutil } from "./mokutil.ts";
import { systemctl, systemdRun, type SystemdResult } from "./systemd.ts";
import type { Call } from "./tool.ts";

/** The commands of a node that are played over the machine's state. */
export const TOOLS: Record<string, (call: Call) => SystemdResult> = {
  efibootmgr,
  ethtool,
  lsmod,
  lspci,
  modinfo,
  modprobe,
  mokutil,
  systemctl,
  "systemd-run": systemdRun,
  uname,
};

/**
 * The commands that are this computer's own, because they only handle text and files. Any other one is "not found", as
 * the shell says it.
 */
export const HOST_TOOLS = [
  "[",
  "awk",
  "base64",
  "basename",
  "cat",
  "chmod",
  "cp",
  "cut",
  "date",
  "dirname",
  "echo",
  "env",
  "expr",
  "false",
  "find",
  "grep",
  "head",
  "ls",
  "mkdir",
  "mkfifo",
  "mktemp",
  "mv",
  "od",
  "printf",
  "readlink",
  "rm",
  "sed",
  "sh",
  "sha1sum",
  "sha256sum",
  "sleep",
  "sort",
  "stat",
  "tail",
  "tee",
  "test",
  "timeout",
  "touch",
  "tr",
  "true",
  "uniq",
  "wc",
  "xargs",
];
