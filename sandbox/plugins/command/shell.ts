/** Runs a command on this machine, as `local.Command` and `local.run` do. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import type { EngineLog } from "../core/engineLog.ts";
import { type PropertyMap, reveal } from "../core/values.ts";
import { commandSettings, previousOutput, text } from "./inputs.ts";
import { type CommandOutput, OutputCollector } from "./output.ts";

/** What a run needs besides the resource's properties. */
export interface RunContext {
  urn: string;
  /** Aborted when the engine cancels: then the shell is killed. */
  signal: AbortSignal;
  log: EngineLog;
}

/** Runs `command` with the properties' interpreter, directory, environment and stdin; throws when it fails. */
export async function runLocally(
  command: string,
  properties: PropertyMap,
  context: RunContext,
): Promise<CommandOutput> {
  const { logs } = commandSettings(properties);
  const collector = new OutputCollector(context.log, context.urn, logs);
  const failure = await execute(command, properties, collector, context.signal);
  await collector.end();
  if (failure !== undefined) throw collector.failure(failure, command);
  return collector.result();
}

/** Resolves when the command and everything that holds its output has ended: with why it failed, or nothing. */
function execute(
  command: string,
  properties: PropertyMap,
  collector: OutputCollector,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { stdin, environment } = commandSettings(properties);
  const [program, ...programArguments] = interpreter(properties);
  const directory = text(properties, "dir") ?? process.cwd();
  // Go starts nothing under a context that is cancelled already.
  if (signal.aborted) return Promise.resolve("context canceled");
  if (!existsSync(directory)) return Promise.resolve(`chdir ${directory}: no such file or directory`);
  const child = spawn(program, [...programArguments, command], {
    cwd: directory,
    env: { ...process.env, ...environment, ...previousOutput(properties) },
    stdio: [stdin === undefined || stdin === "" ? "ignore" : "pipe", "pipe", "pipe"],
  });
  follow(child.stdout, "stdout", collector);
  follow(child.stderr, "stderr", collector);
  // A command that doesn't read its stdin closes the pipe early; that is no error.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(stdin);
  // Kills the shell alone, as Go's exec.CommandContext does: the shell's children may live on, and hold its output.
  const kill = (): boolean => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "ENOENT" ? `exec: "${program}": executable file not found in $PATH` : error.message);
    });
    child.once("close", (code, killedBy) => {
      signal.removeEventListener("abort", kill);
      resolve(failureOf(code, killedBy));
    });
  });
}

/** Hands a stream on for as long as somebody reads it; then its writer blocks, as soon as the pipe is full. */
function follow(stream: Readable | null, name: "stdout" | "stderr", collector: OutputCollector): void {
  stream?.on("data", (bytes: Buffer) => {
    if (!collector.add(name, bytes)) stream.pause();
  });
}

function interpreter(properties: PropertyMap): [string, ...string[]] {
  const [program, ...rest] = reveal(properties.interpreter ?? []) as string[];
  return program === undefined ? ["/bin/sh", "-c"] : [program, ...rest];
}

/** Why the child failed, in Go's words, or nothing. */
function failureOf(code: number | null, killedBy: NodeJS.Signals | null): string | undefined {
  if (killedBy !== null) return `signal: ${SIGNAL_WORDS[killedBy] ?? killedBy}`;
  return code === 0 ? undefined : `exit status ${code ?? -1}`;
}

const SIGNAL_WORDS: Partial<Record<NodeJS.Signals, string>> = {
  SIGABRT: "aborted",
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};
