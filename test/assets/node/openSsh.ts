/** OpenSSH's own server on loopback, with keys and a configuration for one test. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PortClaims } from "@onload-kmm/sandbox/ports";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";
import type { SshTarget } from "../../../core/node/sshTarget.ts";
import { ensurePrograms } from "../debian.ts";

/** sshd wants to be called by its path: it starts itself again for each connection. */
const sshd = "/usr/sbin/sshd";

/** Where it locks itself up while it doesn't know the client yet, when root starts it. */
const privilegeSeparation = "/run/sshd";

const giveUpAfterMs = 120_000;

export class OpenSshServer {
  readonly target: SshTarget;
  /** How it introduces itself: `SSH-2.0-OpenSSH_9.2p1 …`. */
  banner = "";
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #claims: PortClaims;
  #log = "";

  private constructor(directory: string, target: SshTarget, claims: PortClaims) {
    this.#directory = directory;
    this.#claims = claims;
    this.target = target;
    this.#process = spawn(sshd, ["-D", "-e", "-f", join(directory, "sshd_config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process.stderr?.on("data", (data: Buffer) => (this.#log += data.toString()));
  }

  /**
   * Starts it on a free port for this user alone. Every command gets `env`.
   *
   * @throws Error that says what is missing where it isn't installed and can't be
   */
  static async start(env: Readonly<Record<string, string>>): Promise<OpenSshServer> {
    await ensureSshd();
    const directory = mkdtempSync(join(tmpdir(), "onload-kmm-sshd-"));
    const [host, user] = [ed25519Key(), ed25519Key()];
    const file = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text, { mode: 0o600 });
      return join(directory, name);
    };
    // Kept to the end: it may be long until sshd listens, and a test may want it to be gone.
    const claims = new PortClaims();
    const port = await claims.take();
    const variables = Object.entries(env).map(([name, value]) => `"${name}=${value}"`);
    const lines = [
      "ListenAddress 127.0.0.1",
      `Port ${port}`,
      `HostKey ${file("host_key", host.private)}`,
      `AuthorizedKeysFile ${file("authorized_keys", `${user.public}\n`)}`,
      `AllowUsers ${userInfo().username}`,
      "AuthenticationMethods publickey",
      // Its files are below /tmp, which everybody may write to.
      "StrictModes no",
      "UsePAM no",
      "PidFile none",
      // As on RHCOS nothing is taken of the client's environment.
      `SetEnv ${variables.join(" ")}`,
    ];
    file("sshd_config", lines.map((line) => `${line}\n`).join(""));
    const target = {
      address: `127.0.0.1:${port}`,
      hostKey: host.public.trim(),
      user: userInfo().username,
      privateKeyFile: file("id", user.private),
      agent: false,
    };
    const server = new OpenSshServer(directory, target, claims);
    await server.#listening(port).catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    return server;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once("exit", resolve));
      this.#process.kill("SIGTERM");
      await ended;
    }
    this.#claims.release();
    rmSync(this.#directory, { recursive: true });
  }

  async #listening(port: number): Promise<void> {
    const deadline = Date.now() + giveUpAfterMs;
    while ((this.banner = await bannerOf(port)) === "") {
      const over = this.#process.exitCode !== null || Date.now() > deadline;
      if (over) throw new Error(`sshd doesn't listen:\n${this.#log}`);
      await sleep(50);
    }
  }
}

async function ensureSshd(): Promise<void> {
  // Where systemd runs, installing the package would start a server for everybody.
  if (!existsSync(sshd) && existsSync("/run/systemd/system")) {
    throw new Error(`missing on this machine: ${sshd}; install the package openssh-server, and stop its service`);
  }
  await ensurePrograms("sshd");
  if (process.getuid?.() === 0) mkdirSync(privilegeSeparation, { recursive: true, mode: 0o755 });
}

/** The first thing that a server says; empty where none listens. */
function bannerOf(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once("error", () => resolve("")).once("close", () => resolve(""));
  });
}
