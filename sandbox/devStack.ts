import type { Sandbox } from "./sandbox.ts";
import { stackName } from "./stackConfig.ts";

/** Makes the stack `dev` in the sandbox's own backend if it has none, and selects it unless another one is selected. */
export async function ensureStack(sandbox: Sandbox): Promise<void> {
  const stacks = JSON.parse(await run(sandbox, "ls", "--json")) as { name: string; current: boolean }[];
  const exists = stacks.some(({ name }) => name === stackName);
  const isSelected = stacks.some(({ current }) => current);
  if (!isSelected) await run(sandbox, "select", "--create", stackName);
  else if (!exists) await run(sandbox, "init", "--no-select", stackName);
}

async function run(sandbox: Sandbox, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await sandbox.pulumi(["stack", ...args, "--non-interactive"]);
  if (exitCode !== 0) throw new Error(`pulumi stack ${args.join(" ")} failed: ${stderr}`);
  return stdout;
}
