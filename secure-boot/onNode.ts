/** Runs the program's on-node tools (assets/node) on the machine, as the program does: one script over SSH. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Machine } from "./machine.ts";
import type { SshResult } from "./ssh.ts";

const tools = path.join(import.meta.dirname, "../assets/node");

/** The shells that the tools must run under unchanged: the guest's sh is busybox's. */
export const shells = ["sh", "dash"] as const;

/** A word for the guest's shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The on-node tools, by file name. */
export type Tool = "state" | "import" | "revoke" | "reboot" | "delete";

/** Runs a tool with `name=value` lines on its standard input, and returns all that it answered. */
export async function runTool(
  machine: Machine,
  tool: Tool,
  input: Record<string, string>,
  shell: (typeof shells)[number] = "sh",
): Promise<SshResult> {
  const script = `${await readFile(path.join(tools, "lib.sh"), "utf8")}\n${await readFile(path.join(tools, `${tool}.sh`), "utf8")}`;
  const stdin = Object.entries(input)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
  return machine.run(`${shell} -c ${quote(script)}`, stdin);
}

/** Runs a tool that must succeed, and returns its JSON. */
export async function answerOf(
  machine: Machine,
  tool: Tool,
  input: Record<string, string>,
  shell: (typeof shells)[number] = "sh",
): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runTool(machine, tool, input, shell);
  assert.equal(code, 0, `${tool}.sh: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
