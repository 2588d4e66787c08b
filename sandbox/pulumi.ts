/**
 * `npm run pulumi -- ARGS`: the Pulumi CLI in the sandbox's environment. Every argument is the CLI's own; the sandbox
 * is the one in `ONLOAD_KMM_SANDBOX`, else `.sandbox`.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { engineEnvironment } from "./engine.ts";
import { projectRoot, stateDirectory } from "./paths.ts";
import { ensureToolchain } from "./toolchain/toolchain.ts";
import { report } from "./userError.ts";

const coalesceMs = 500;

/**
 * Runs the CLI and gives its exit code. A second interrupt makes the engine drop what is in flight, so one Ctrl-C must
 * be one signal to it. A terminal sends Ctrl-C to every process in front, the CLI too, and npm then sends its own
 * SIGINT to this one: on a terminal nothing is passed on. Without a terminal the CLI gets a process group of its
 * own, hears only what is passed on, and signals that come together are one.
 */
function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const onTerminal = [0, 1, 2].some((fd) => [process.stdin, process.stdout, process.stderr][fd]?.isTTY === true);
  const child = spawn(file, args, { cwd: projectRoot, env, stdio: "inherit", detached: !onTerminal });
  let last = 0;
  const forward = (name: NodeJS.Signals) => {
    if (onTerminal && name === "SIGINT") return;
    if (Date.now() - last < coalesceMs) return;
    last = Date.now();
    child.kill(name);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, forward);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
  });
}

async function main(args: readonly string[]): Promise<number> {
  const toolchain = await ensureToolchain();
  const env = await engineEnvironment(stateDirectory(), toolchain);
  return run(toolchain.bin.pulumi, args, env);
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => report("pulumi", error));
