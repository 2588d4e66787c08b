/** Runs a command on this machine, as `local.Command` and `local.run` do. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { EngineLog } from "../core/engineLog.ts";
import { type PropertyMap, reveal } from "../core/values.ts";
import { commandSettings, previousOutput, text } from "./inputs.ts";
import { type CommandOutput, OutputCollector } from "./output.ts";

/** What a run needs besides the resource's properties. */
export interface RunContext {
  urn: string;
  signal: AbortSignal;
  log: EngineLog;
}

/** Runs `command` with the properties' interpreter, directory, environment and stdin; throws when it fails. */
export async function runLocally(
  command: string,
  properties: PropertyMap,
  context: RunContext,
): Promise<CommandOutput> {
  const { stdin, environment, logs } = commandSettings(properties);
  const collector = new OutputCollector(context.log, context.urn, logs);
  const [program, ...programArguments] = interpreter(properties);
  const child = spawn(program, [...programArguments, command], {
    cwd: text(properties, "dir") ?? process.cwd(),
    env: { ...process.env, ...environment, ...previousOutput(properties) },
    stdio: ["pipe", "pipe", "pipe"],
    // Kills the shell alone, as Go's exec.CommandContext does: the shell's children may live on.
    killSignal: "SIGKILL",
    signal: context.signal,
  });
  child.stdout.on("data", (bytes: Buffer) => collector.add("stdout", bytes));
  child.stderr.on("data", (bytes: Buffer) => collector.add("stderr", bytes));
  // A command that doesn't read its stdin closes the pipe early; that is no error.
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin ?? "");
  const failure = await failureOf(child, context.signal);
  await collector.end();
  if (failure !== undefined) throw collector.failure(failure, command);
  return collector.result();
}

function interpreter(properties: PropertyMap): [string, ...string[]] {
  const [program, ...rest] = (reveal(properties.interpreter ?? []) as string[]).map(String);
  return program === undefined ? ["/bin/sh", "-c"] : [program, ...rest];
}

/** Why the child failed, in Go's words, or nothing. */
async function failureOf(child: ChildProcess, signal: AbortSignal): Promise<string | undefined> {
  try {
    const [code, killedBy] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    if (killedBy !== null) return `signal: ${SIGNAL_WORDS[killedBy] ?? killedBy}`;
    return code === 0 ? undefined : `exit status ${code ?? -1}`;
  } catch (error) {
    if (signal.aborted) return "signal: killed";
    return error instanceof Error ? error.message : String(error);
  }
}

const SIGNAL_WORDS: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: "killed",
  SIGTERM: "terminated",
  SIGINT: "interrupt",
  SIGHUP: "hangup",
  SIGSEGV: "segmentation fault",
  SIGABRT: "aborted",
};
