/** Runs one Pulumi program in a Node process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import languageProto from "@pulumi/pulumi/proto/language_pb.js";
import type { RunRequest, RunResponse } from "@pulumi/pulumi/proto/language_pb.js";

/** Programs that run now. */
export type Programs = Set<ChildProcess>;

/** Exit code of the SDK's runner when it has shown the error to the user itself. */
const ERROR_ALREADY_SHOWN = 32;

/** Runs the program to its end; a failure is in the response, not thrown. */
export async function runProgram(request: RunRequest, engine: string, programs: Programs): Promise<RunResponse> {
  const watch = ["--import", new URL("watchHost.ts", import.meta.url).href];
  const program = spawn(process.execPath, [...watch, runnerOf(request), ...runnerArguments(request, engine)], {
    cwd: request.getPwd(),
    env: { ...process.env, ...programEnvironment(request) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  programs.add(program);
  const response = new languageProto.RunResponse();
  try {
    const { code, signal } = await ended(program);
    if (code === ERROR_ALREADY_SHOWN) response.setBail(true);
    else if (signal !== null) response.setError(`Program was ended by ${signal}`);
    else if (code !== 0) response.setError(`Program exited with non-zero exit code: ${code}`);
  } finally {
    programs.delete(program);
  }
  return response;
}

/** The runner comes from the program's own `@pulumi/pulumi`, so that both halves of the SDK are one. */
function runnerOf(request: RunRequest): string {
  const directory = request.getInfo()?.getProgramDirectory() ?? request.getPwd();
  return createRequire(path.join(directory, "package.json")).resolve("@pulumi/pulumi/cmd/run");
}

function runnerArguments(request: RunRequest, engine: string): string[] {
  const info = request.getInfo();
  return [
    ["--monitor", request.getMonitorAddress()],
    ["--engine", engine],
    ["--organization", request.getOrganization()],
    ["--project", request.getProject()],
    ["--root-directory", info?.getRootDirectory() ?? request.getPwd()],
    ["--stack", request.getStack()],
    ["--pwd", request.getPwd()],
    request.getDryrun() ? ["--dry-run"] : [],
    ["--parallel", String(request.getParallel())],
    [info?.getEntryPoint() ?? "."],
    request.getArgsList(),
  ].flat();
}

/** Config travels in the environment, as the SDK reads it; never in arguments, which every user can list. */
function programEnvironment(request: RunRequest): NodeJS.ProcessEnv {
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().getEntryList())),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    // The program's TypeScript is run by Node itself; ts-node is not installed.
    PULUMI_NODEJS_TYPESCRIPT: "false",
  };
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}
