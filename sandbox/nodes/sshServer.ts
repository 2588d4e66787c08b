import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import ssh2 from "ssh2";
import type { KnownLooks } from "./knownLooks.ts";
import { hostKeyOf } from "./sshKeys.ts";

/** What a node's SSH server needs. */
export interface SshServerOptions {
  node: string;
  port: number;
  /** The public key (type and base64) that may log in as `core`. */
  clientKey: string;
  /** Environment of every command; nothing of the client's or of ours is added. */
  env: Record<string, string>;
  home: string;
  looks: KnownLooks;
}

/**
 * A node's sshd: user `core` by public key; `exec`, and `shell` without a terminal, run a real `/bin/sh`. No terminals,
 * no forwarding, no SFTP, and no `AcceptEnv`, as on RHCOS.
 */
export class SshServer {
  readonly #options: SshServerOptions;
  readonly #connections = new Set<ssh2.Connection>();
  readonly #children = new Set<ChildProcess>();
  #server: ssh2.Server | undefined;

  constructor(options: SshServerOptions) {
    this.#options = options;
  }

  /** Begins to listen; nothing happens when it does already. Fails with EADDRINUSE where another program has its port. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = new ssh2.Server({ hostKeys: [hostKeyOf(this.#options.node).privatePem] }, (connection) =>
      this.#connected(connection),
    );
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: Error) => {
        if (this.#server === server) this.#server = undefined;
        reject(error);
      });
      server.listen(this.#options.port, "127.0.0.1", resolve);
    });
  }

  /** Refuses connections from now on and cuts those that are open. What runs goes on, as on a real node. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.cut();
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Cuts all open connections without a word. */
  cut(): void {
    for (const connection of this.#connections) socketOf(connection)?.destroy();
    this.#connections.clear();
  }

  /** The power goes: whatever runs is killed. */
  kill(): void {
    for (const { pid } of this.#children) killGroup(pid);
    this.#children.clear();
  }

  #connected(connection: ssh2.Connection): void {
    this.#connections.add(connection);
    // As sshd does it for a session.
    socketOf(connection)?.setNoDelay(true);
    connection.on("authentication", (context) => this.#authenticate(context));
    connection.on("session", (accept) => this.#session(accept()));
    connection.on("error", () => this.#connections.delete(connection));
    connection.on("close", () => this.#connections.delete(connection));
  }

  #authenticate(context: ssh2.AuthContext): void {
    if (context.method === "publickey" && context.username === "core" && this.#genuine(context)) context.accept();
    else context.reject(["publickey"]);
  }

  /** The first question is only whether the key would do; the second comes with a signature. */
  #genuine({ key, blob, signature }: ssh2.PublicKeyAuthContext): boolean {
    const [type = "", base64 = ""] = this.#options.clientKey.split(" ");
    if (key.algo !== type || key.data.toString("base64") !== base64) return false;
    if (signature === undefined || blob === undefined) return true;
    const parsed = ssh2.utils.parseKey(this.#options.clientKey);
    return !(parsed instanceof Error) && parsed.verify(blob, signature);
  }

  #session(session: ssh2.Session): void {
    session.on("exec", (accept, _reject, { command }) => {
      if (this.#options.looks.concerns(command)) void this.#look(accept(), command);
      else this.#run(accept(), ["-c", command]);
    });
    session.on("shell", (accept) => this.#run(accept(), []));
  }

  /** A look at the node, whose answer may be known. */
  async #look(channel: ssh2.ServerChannel, command: string): Promise<void> {
    const { looks } = this.#options;
    const input = await text(channel).catch(() => undefined);
    if (input === undefined) return;
    const known = looks.find(command, input);
    if (known !== undefined) {
      channel.write(known.stdout);
      channel.exit(known.code);
      channel.end();
      return;
    }
    const child = this.#run(channel, ["-c", command], Readable.from([input]));
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (stdout += part));
    child.on("close", (code) => looks.keep(command, input, { code: code ?? 1, stdout }));
  }

  #run(channel: ssh2.ServerChannel, args: string[], input: Readable = channel): ChildProcessWithoutNullStreams {
    const { env, home } = this.#options;
    // A group of its own, so that a power cut ends all of it.
    const child = spawn("/bin/sh", args, { env, cwd: home, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.#children.add(child);
    const ignore = (): void => undefined; // one side has gone; the other ends by itself
    for (const stream of [channel, child.stdin, child.stdout, child.stderr]) stream.on("error", ignore);
    input.pipe(child.stdin);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.on("error", ignore);
    // As sshd does it: a command whose reader has gone ends when it prints, not before.
    channel.on("close", () => [child.stdin, child.stdout, child.stderr].forEach((stream) => stream.destroy()));
    child.on("close", (code, signal) => {
      this.#children.delete(child);
      if (channel.destroyed) return;
      if (code === null) channel.exit(signal?.replace(/^SIG/, "") ?? "KILL");
      else channel.exit(code);
      channel.end();
    });
    return child;
  }
}

/** ssh2 offers no way to drop a connection as a cut cable does, nor, by its types, to have small packets sent at once. */
function socketOf(connection: ssh2.Connection): Pick<Socket, "destroy" | "setNoDelay"> | undefined {
  return (connection as unknown as { _sock?: Socket })._sock;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
