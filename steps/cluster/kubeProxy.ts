/**
 * One `kubectl proxy` for the many questions of a look: a process, a login and a connection once, not once for each. Nothing
 * but this process's user gets at it: it listens on a socket in a directory that nobody else may enter.
 */
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { Agent, request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { proxyStartSeconds } from "../../core/patience.ts";
import { within } from "../lib/clock.ts";
import { limitedText } from "../lib/limited.ts";

/** What the API server answered. */
export interface ServerAnswer {
  /** HTTP's. */
  readonly status: number;
  readonly body: string;
}

/**
 * Runs a program for as long as somebody holds this shell's stdin, and then removes its directory: a step that is killed, too,
 * leaves no open door to the cluster. It ends its whole process group, for a `kubectl` may be a script that starts another
 * one. Its stdout is the program's alone, and ends with it.
 */
const tied = [
  "directory=$1; shift; trap : HUP INT TERM",
  '"$@" & exec >/dev/null',
  'read -r _; kill 0; wait; rm -rf -- "$directory"',
].join("\n");

/** A look changes nothing, and neither can what comes through here. */
const readOnly = "--reject-methods=^(POST|PUT|PATCH|DELETE)$";

/** Bytes of one answer: as much as kubectl may print. */
const longestAnswer = 256 * 1024 * 1024;

export class KubeProxy {
  readonly #child: ChildProcess;
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(child: ChildProcess, socketPath: string) {
    this.#child = child;
    this.#socketPath = socketPath;
  }

  /**
   * @param kubectl a command line with the kubeconfig and the context, to which the words for a proxy are added
   * @returns undefined where it doesn't come up, for whatever reason: kubectl itself says it better
   */
  static async start(kubectl: readonly string[]): Promise<KubeProxy | undefined> {
    const directory = await mkdtemp(join(tmpdir(), "onload-kmm-"));
    const socketPath = join(directory, "api");
    const command = [...kubectl, "proxy", `--unix-socket=${socketPath}`, readOnly];
    // Of a process group of its own, which Ctrl-C doesn't reach.
    const options: SpawnOptions = { detached: true, stdio: ["pipe", "pipe", "ignore"] };
    const child = spawn("sh", ["-c", tied, "sh", directory, ...command], options);
    const proxy = new KubeProxy(child, socketPath);
    if ((await within(proxyStartSeconds * 1000, isListening(child))) === true) return proxy;
    proxy.end();
    return undefined;
  }

  /** Asks for one path. @throws Error where there is no answer */
  get(path: string, accept: string): Promise<ServerAnswer> {
    const options = { socketPath: this.#socketPath, path, agent: this.#agent, headers: { accept } };
    return new Promise((resolve, reject) => {
      const whole = async (response: IncomingMessage): Promise<ServerAnswer> => ({
        status: response.statusCode ?? 0,
        body: await limitedText(response, longestAnswer),
      });
      request(options, (response) => void whole(response).then(resolve, reject))
        .on("error", reject)
        .end();
    });
  }

  end(): void {
    this.#agent.destroy();
    this.#child.stdout?.destroy();
    this.#child.stdin?.on("error", () => undefined).end();
    // Whatever becomes of it keeps no step waiting.
    this.#child.unref();
  }
}

/** False once it has ended without. */
function isListening(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout })
      .on("line", (line) => line.startsWith("Starting to serve on ") && resolve(true))
      .on("close", () => resolve(false));
  });
}
