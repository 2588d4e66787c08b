import { spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";

/** A tool that was run to its end. */
export interface Ran {
  readonly exitCode: number;
  /** stdout and stderr, in lines. */
  readonly lines: readonly string[];
}

/** Runs tools, and keeps all that they say in one file. */
export class Tools {
  /** Path of the file. */
  readonly log: string;
  readonly #file: WriteStream;
  readonly #cwd: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(log: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.log = log;
    this.#file = createWriteStream(log);
    this.#cwd = cwd;
    this.#env = env;
  }

  /** With a log of its own: what an earlier run has left there goes. */
  static async open(log: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Tools> {
    await mkdir(dirname(log), { recursive: true });
    return new Tools(log, cwd, env);
  }

  /** Resolves when all is written. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve));
  }

  /** Runs one to its end, whatever its exit code. `saw` hears each line. */
  async run(program: string, args: readonly string[], saw: (line: string) => void = () => undefined): Promise<Ran> {
    this.#file.write(`$ ${[program, ...args].join(" ")}\n`);
    const child = spawn(program, args, { cwd: this.#cwd, env: this.#env, stdio: ["ignore", "pipe", "pipe"] });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (text) => {
        const line = stripVTControlCharacters(text);
        this.#file.write(`${line}\n`);
        lines.push(line);
        saw(line);
      });
    }
    // A terminal's Ctrl-C reaches the tool, too: it winds up what is in flight, and that is waited for.
    const interrupted = () => undefined;
    const ended = (name: NodeJS.Signals) => child.kill(name);
    process.on("SIGINT", interrupted).on("SIGTERM", ended);
    try {
      const exitCode = await new Promise<number>((resolve, reject) => {
        child.on("close", (code) => resolve(code ?? 1)).on("error", reject);
      });
      this.#file.write(`exit code ${exitCode}\n\n`);
      return { exitCode, lines };
    } finally {
      process.off("SIGINT", interrupted).off("SIGTERM", ended);
    }
  }
}
