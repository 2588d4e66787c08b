import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Result } from "./tools/tool.ts";

/** A call of a command on a node, as `tools/call.sh` hands it over. */
export interface ToolCall {
  tool: string;
  node: string;
  root: boolean;
  cwd: string;
  args: string[];
  stdin?: string | undefined;
}

/** Takes the nodes' calls from a named pipe. The directory is this user's alone, so nobody else can call. */
export class CallServer {
  readonly directory: string;
  readonly #handle: (call: ToolCall) => Result;
  #pipe: Socket | undefined;
  #rest = "";

  constructor(directory: string, handle: (call: ToolCall) => Result) {
    this.directory = directory;
    this.#handle = handle;
  }

  /** Begins to listen; calls of an earlier process are forgotten. */
  start(): void {
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const path = join(this.directory, "requests");
    execFileSync("mkfifo", ["-m", "600", path]);
    // Open both ways, so that it never ends when a writer closes it.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.#pipe = new Socket({ fd, readable: true, writable: false });
    this.#pipe.setEncoding("utf8");
    this.#pipe.on("data", (text: string) => this.#received(text));
  }

  stop(): void {
    this.#pipe?.destroy();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #received(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const name of lines) this.#answer(join(this.directory, name));
  }

  #answer(directory: string): void {
    // A caller that was killed has taken its directory with it.
    if (!existsSync(join(directory, "args"))) return;
    const [tool = "", node = "", root, cwd = "", ...args] = readFileSync(join(directory, "args"), "utf8").split("\0");
    const file = join(directory, "stdin");
    const stdin = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    // The last NUL ends the last argument.
    const { code, stdout, stderr } = this.#handle({
      tool,
      node,
      root: root === "yes",
      cwd,
      args: args.slice(0, -1),
      stdin,
    });
    try {
      writeFileSync(join(directory, "out"), stdout);
      writeFileSync(join(directory, "err"), stderr);
      const answer = openSync(join(directory, "answer"), constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(answer, `${code}\n`);
      closeSync(answer);
    } catch {
      // Killed between question and answer.
    }
  }
}
