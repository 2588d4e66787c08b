/** Runs the on-node tools on a machine made of files, under every small shell that is installed here. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { FakeNode } from "./fakeNode.ts";

/** Each a program with its first arguments. RHCOS's `sh` is bash. */
export const shells = [["bash", "--posix"], ["dash"], ["busybox", "sh"]].filter(
  ([program = "", ...args]) => spawnSync(program, [...args, "-c", "true"]).status === 0,
);

export function runTool(node: FakeNode, shell: readonly string[], tool: string, lines: readonly string[]) {
  const [program = "", ...args] = shell;
  const ran = spawnSync(program, [...args, `assets/node/${tool}.sh`], {
    input: lines.map((line) => `${line}\n`).join(""),
    encoding: "utf8",
    env: node.environment,
  });
  assert.deepEqual(node.memory, [".keep"], "nothing is left in memory");
  return { code: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}

/** What a tool prints that ends well. */
export function answerOf(node: FakeNode, shell: readonly string[], tool: string, lines: readonly string[]): unknown {
  const { code, stdout, stderr } = runTool(node, shell, tool, lines);
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}
