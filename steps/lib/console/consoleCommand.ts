/** Opens a node's serial console: a command that is a terminal, a Unix socket, or a TCP port of a console server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

/** How long a console command may take to end when asked to, in milliseconds, before it is killed. */
const patience = 3000;

/**
 * Opens the console that a node's `console` setting describes:
 *
 * - `unix:/run/vm/serial.sock`: a Unix socket. (QEMU's own drops output on a Unix socket whose reader is slow; its TCP
 *   sockets don't.)
 * - `tcp:console-server:7001`: a raw TCP port.
 * - anything else: a shell command, run on a pseudo-terminal of its own in raw mode, as `ipmitool … sol activate`,
 *   `virsh console` and `ssh -t bmc …` want it. Destroying the stream hangs up, so that the command gives the console back.
 *
 * @throws an Error that says why the socket can't be reached.
 */
export async function openConsole(console: string): Promise<Duplex> {
  const unix = /^unix:(?<path>.+)$/.exec(console)?.groups;
  if (unix?.["path"] !== undefined) return connect({ path: unix["path"] }, console);
  const tcp = /^tcp:(?<host>.+):(?<port>\d+)$/.exec(console)?.groups;
  if (tcp?.["host"] !== undefined) return connect({ host: tcp["host"], port: Number(tcp["port"]) }, console);
  return terminalCommand(console);
}

async function connect(to: net.NetConnectOpts, console: string): Promise<Duplex> {
  const socket = net.connect(to);
  try {
    await once(socket, "connect");
  } catch (error) {
    throw new Error(`console ${console}: ${(error as Error).message}`, { cause: error });
  }
  return socket;
}

/** Signals the whole process group: the pseudo-terminal's owner, the shell and the command. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

/**
 * Runs a command on a pseudo-terminal: util-linux's `script` makes one without a native library. Raw mode first, else the
 * terminal would hold keys back until a line is complete and show them twice.
 */
function terminalCommand(command: string): Duplex {
  const child = spawn(
    "script",
    ["--quiet", "--flush", "--return", "--command", `stty raw -echo; ${command}`, "/dev/null"],
    {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      // `script` starts the command with $SHELL.
      env: { ...process.env, SHELL: "/bin/sh" },
    },
  );
  const ended = once(child, "close").catch(() => undefined);
  const stream: Duplex = new Duplex({
    read: () => child.stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => void child.stdin.write(chunk, done),
    destroy: (error, done) => {
      void hangUp().then(() => done(error));
    },
  });
  const hangUp = async (): Promise<void> => {
    const { pid } = child;
    if (pid === undefined || child.exitCode !== null) return;
    signalGroup(pid, "SIGHUP");
    const gone = await Promise.race([ended.then(() => true), delay(patience, false, { ref: false })]);
    if (!gone) signalGroup(pid, "SIGKILL");
    await ended;
  };
  let complaints = "";
  child.stderr.on("data", (text: Buffer) => (complaints = (complaints + text.toString()).slice(-500)));
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.on("error", () =>
    stream.destroy(new Error("util-linux's `script` is needed for a console command; install util-linux (bsdutils)")),
  );
  child.on("close", (code) => {
    if (!stream.destroyed)
      stream.destroy(new Error(`the console command ended (exit code ${code ?? "none"}) ${complaints}`.trim()));
  });
  return stream;
}
