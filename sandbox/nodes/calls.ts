import { execFileSync } from "node:child_process";
import { constants, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
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
  /** Empty where the command doesn't read it. */
  stdin: string;
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

  /** @param file of the call; its answer goes into the pipe beside it */
  #answer(file: string): void {
    const [question, pipe] = [taken(file), opened(`${file}.answer`)];
    // Files of an earlier process, whose directory was emptied.
    if (question === undefined || pipe === undefined) return;
    // The last NUL ends the last argument.
    const [tool = "", node = "", root, cwd = "", stdin = "", ...args] = question.split("\0").slice(0, -1);
    const { code, stdout, stderr } = this.#handle({ tool, node, root: root === "yes", cwd, args, stdin });
    pipe.end(`${code}\t${escaped(stdout)}\t${escaped(stderr)}\n`);
  }
}

/** A file's text; the file is gone afterwards. Undefined when there is none. */
function taken(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  } finally {
    rmSync(file, { force: true });
  }
}

/** A named pipe, whose name is gone afterwards: both ends are open. Undefined when there is none. */
function opened(path: string): Socket | undefined {
  try {
    const pipe = new Socket({
      fd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK),
      readable: false,
      writable: true,
    });
    // Killed between question and answer.
    return pipe.on("error", () => undefined);
  } catch {
    return undefined;
  } finally {
    rmSync(path, { force: true });
  }
}

/** A text of one line, as `printf %b` takes it. */
const escaped = (text: string): string =>
  text.replaceAll(/[^ -[\]-~]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join(""),
  );
