/** Opens a node's serial console: a command that is a terminal, a Unix socket, or a TCP port of a console server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { Duplex, type Readable, type Writable } from "node:stream";
import { parseAddress, tcpConsole } from "../../../core/configuration/address.ts";
import { consoleConnectSeconds, consoleHangUpSeconds } from "../../../core/patience.ts";
import { within } from "../../lib/clock.ts";

/** Whether a `console` setting names a socket, and no command. */
export const isSocket = (console: string): boolean => /^(unix|tcp):./.test(console);

/**
 * Opens the console that a node's `console` setting describes:
 *
 * - `unix:/run/vm/serial.sock`: a Unix socket. (QEMU's own drops output on a Unix socket whose reader is slow; its TCP
 *   sockets don't.)
 * - `tcp:console-server:7001`, `tcp:[fd00::1]:7001`: a raw TCP port.
 * - anything else: a shell command, run on a pseudo-terminal of its own in raw mode, as `ipmitool … sol activate`,
 *   `virsh console` and `ssh -t bmc …` want it. Destroying the stream hangs up, so that the command gives the console back.
 *
 * @throws an Error that says why the socket can't be reached.
 */
export async function openConsole(console: string): Promise<Duplex> {
  const unix = /^unix:(?<path>.+)$/.exec(console)?.groups;
  if (unix?.["path"] !== undefined) return connect({ path: unix["path"] }, console);
  const tcp = tcpConsole(console);
  if (tcp !== undefined) return connect(parseAddress(tcp), console);
  return terminalCommand(console);
}

async function connect(to: net.NetConnectOpts, console: string): Promise<Duplex> {
  const socket = net.connect(to);
  try {
    if ((await within(consoleConnectSeconds * 1000, once(socket, "connect"))) !== undefined) return socket;
  } catch (error) {
    throw new Error(`console ${console}: ${(error as Error).message}`, { cause: error });
  }
  socket.destroy();
  throw new Error(`console ${console}: no connection in ${consoleConnectSeconds} s`);
}

/** Signals a whole process group; one that has ended already is fine. */
function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * What runs on the pseudo-terminal. It tells its process ID first (it leads a session of its own, which signals to
 * `script` don't reach), then goes into raw mode, else the terminal would hold keys back until a line is complete and
 * show them twice.
 */
const onTerminal = (command: string): string => `echo $$ >&3; exec 3>&-; stty raw -echo; ${command}`;

/** Runs a command on a pseudo-terminal: util-linux's `script` makes one without a native library. */
function terminalCommand(command: string): Duplex {
  const options = ["--quiet", "--flush", "--return", "--command", onTerminal(command), "/dev/null"];
  const child = spawn("script", options, {
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    // `script` starts the command with $SHELL.
    env: { ...process.env, SHELL: "/bin/sh" },
  });
  const [stdin, stdout, stderr, leaderPipe] = child.stdio as [Writable, Readable, Readable, Readable, undefined];
  const told = new Promise<number | undefined>((resolve) => {
    leaderPipe.once("data", (text: Buffer) => resolve(Number.parseInt(text.toString(), 10)));
    leaderPipe.once("close", () => resolve(undefined));
  });
  const ended = new Promise<true>((resolve) => child.once("close", () => resolve(true)));

  const hangUp = async (): Promise<void> => {
    if (child.pid === undefined) return;
    // The command's first output may be here before its process ID is; `script` alone doesn't pass a hang-up on.
    const leader = await within(consoleHangUpSeconds * 1000, told);
    signalGroup(leader ?? child.pid, "SIGHUP");
    if ((await within(consoleHangUpSeconds * 1000, ended)) === true) return;
    signalGroup(leader, "SIGKILL");
    signalGroup(child.pid, "SIGKILL");
    await ended;
  };
  const stream = new Duplex({
    read: () => void stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => void stdin.write(chunk, done),
    destroy: (error, done) => void hangUp().then(() => done(error)),
  });
  stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) stdout.pause();
  });
  let complaints = "";
  stderr.on("data", (text: Buffer) => (complaints = (complaints + text.toString()).slice(-500)));
  stdin.on("error", () => undefined);
  child.on("error", () => {
    stream.destroy(new Error("a console command needs util-linux's `script`; install util-linux (Debian: bsdutils)"));
  });
  child.on("close", (code) => {
    const how = `the console command ended (exit code ${code ?? "none"}) ${complaints}`.trim();
    if (!stream.destroyed) stream.destroy(new Error(how));
  });
  return stream;
}
