/** A node with UEFI Secure Boot on, in QEMU: started, reached over SSH and the serial console, cut off, stopped. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PortClaims } from "@onload-kmm/sandbox/ports";
import type { MachineImages } from "./build.ts";
import { command } from "./command.ts";
import { qemuArguments } from "./qemu.ts";
import { qmp } from "./qmp.ts";
import { type SshResult, type SshTarget, ssh } from "./ssh.ts";

/** What the guest writes on the serial console once SSH works. */
const cameUp = /machine: up boot_id=([0-9a-f-]{36})/;

/** What QEMU says when another program has one of the machine's ports at this moment. */
const mostAttempts = 60;
const portTaken = /Address already in use|Could not set up host forwarding/i;

/**
 * Starts QEMU under a shell that kills it when the pipe on its standard input closes: by `powerCut`, and also when this
 * process has ended for any reason.
 */
function startWatched(args: string[], logFile: string): ChildProcess {
  const log = openSync(logFile, "a");
  const script = `exec 3<&0
    qemu-system-x86_64 "$@" </dev/null & qemu=$!
    (cat <&3 >/dev/null; kill -9 "$qemu" 2>/dev/null) &
    wait "$qemu"`;
  const child = spawn("sh", ["-c", script, "sh", ...args], { stdio: ["pipe", log, log] });
  closeSync(log);
  return child;
}

/** One virtual machine with its own disk, UEFI variables and SSH keys, all in one folder. */
export class Machine {
  /** How the guest is reached over SSH, as user `core` with passwordless sudo. The same over all its boots. */
  readonly ssh: SshTarget;
  /** The serial console as a node's `console` setting, while the machine is on; for one client at a time. */
  readonly console: string;
  readonly #serialPort: number;
  readonly #uuid = randomUUID();
  readonly #directory: string;
  readonly #images: MachineImages;
  /** The same over all its boots, because clients keep the ports. */
  readonly #claims: PortClaims;
  #qemu: ChildProcess | undefined;
  #secondDisk: string | undefined;
  /** How much of the serial log earlier calls of `waitForBoot` have read, in characters. */
  #seen = 0;

  private constructor(
    directory: string,
    images: MachineImages,
    ports: { serial: number; target: SshTarget; claims: PortClaims },
  ) {
    this.#directory = directory;
    this.#images = images;
    this.#claims = ports.claims;
    this.ssh = ports.target;
    this.#serialPort = ports.serial;
    this.console = `tcp:127.0.0.1:${ports.serial}`;
  }

  /** Makes a new machine in `directory` (made if missing; keep its path short, a Unix socket lives in it). */
  static async create(images: MachineImages, directory: string): Promise<Machine> {
    await mkdir(directory, { recursive: true });
    await copyFile(images.firmware.variables, path.join(directory, "vars.fd"));
    await copyFile(images.home, path.join(directory, "home.img"));
    for (const key of ["client_key", "host_key"]) {
      const file = path.join(directory, key);
      await rm(file, { force: true });
      await command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", file]);
    }
    const claims = new PortClaims();
    const port = await claims.take();
    const hostKey = (await readFile(path.join(directory, "host_key.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
    const knownHosts = path.join(directory, "known_hosts");
    await writeFile(knownHosts, `[127.0.0.1]:${port} ${hostKey}\n`);
    const identityFile = path.join(directory, "client_key");
    const target = { user: "core", host: "127.0.0.1", port, hostKey, identityFile, knownHosts };
    return new Machine(directory, images, { serial: await claims.take(), target, claims });
  }

  /** `uname -r` of the guest. */
  get kernelRelease(): string {
    return this.#images.kernelRelease;
  }

  /** Path of the UEFI variables: copy it while the machine runs or is off, write it only while it is off. */
  get variables(): string {
    return path.join(this.#directory, "vars.fd");
  }

  /**
   * Powers on, with the UEFI variables of the file `variables` if given, and from now on with the disk `secondDisk`. Resolves
   * when the serial console is there.
   */
  async start({ variables, secondDisk }: { variables?: string; secondDisk?: string } = {}): Promise<void> {
    if (this.#qemu) throw new Error("the machine is running");
    if (variables !== undefined) await copyFile(variables, this.variables);
    this.#secondDisk = secondDisk ?? this.#secondDisk;
    const log = path.join(this.#directory, "qemu.log");
    this.#seen = 0;
    for (let attempt = 1; !(await this.#startQemu(log)); attempt += 1) {
      const said = readFileSync(log, "utf8");
      if (!portTaken.test(said) || attempt === mostAttempts) throw new Error(`QEMU ended at once: ${said}`);
      await delay(500);
    }
  }

  /** False when QEMU ended before it had made its sockets. */
  async #startQemu(log: string): Promise<boolean> {
    const control = path.join(this.#directory, "qmp.sock");
    await rm(control, { force: true });
    await rm(log, { force: true });
    const place = {
      directory: this.#directory,
      sshPort: this.ssh.port,
      serialPort: this.#serialPort,
      uuid: this.#uuid,
      secondDisk: this.#secondDisk,
    };
    this.#qemu = startWatched(qemuArguments(this.#images, place), log);
    this.#qemu.once("exit", () => (this.#qemu = undefined));
    // QEMU makes its sockets in the order of its arguments, the control socket last.
    while (!existsSync(control)) {
      if (!this.isOn()) return false;
      await delay(50);
    }
    return true;
  }

  /** True from `start` until the power is cut, through all the guest's reboots. */
  isOn(): boolean {
    return this.#qemu !== undefined;
  }

  /** Everything that the serial console has shown since the last start. */
  serialLog(): string {
    const file = path.join(this.#directory, "serial.log");
    return existsSync(file) ? readFileSync(file, "latin1") : "";
  }

  /** Waits until the guest has come up (again) and returns its boot ID. */
  async waitForBoot(deadlineSeconds = 900): Promise<string> {
    const [, bootId = ""] = await this.waitForConsole(cameUp, deadlineSeconds);
    return bootId;
  }

  /** How often the guest has come up since the last start. */
  boots(): number {
    return this.serialLog().match(new RegExp(cameUp, "g"))?.length ?? 0;
  }

  /** Waits until the serial console has shown `pattern` since the last such wait (or the start). */
  async waitForConsole(pattern: RegExp, deadlineSeconds = 900): Promise<RegExpExecArray> {
    const deadline = Date.now() + deadlineSeconds * 1000;
    for (;;) {
      const match = pattern.exec(this.serialLog().slice(this.#seen));
      if (match) {
        this.#seen += match.index + match[0].length;
        return match;
      }
      if (!this.isOn()) throw new Error("the machine is off");
      if (Date.now() > deadline) {
        const end = this.serialLog().slice(-800);
        throw new Error(`the console did not show ${pattern.source} in ${deadlineSeconds} s; it ended with: ${end}`);
      }
      await delay(100);
    }
  }

  /** Runs a command line on the guest as `core`. A failing command is an answer, not an error. */
  async run(commandLine: string, stdin: string | Buffer = ""): Promise<SshResult> {
    return ssh(this.ssh, commandLine, stdin);
  }

  /** Cuts the power, with no warning to the guest: disks and variables stay as they are. */
  async powerCut(): Promise<void> {
    const child = this.#qemu;
    if (!child) return;
    const ended = once(child, "exit");
    child.stdin?.end();
    await ended;
  }

  /** Presses the reset button. */
  async reset(): Promise<void> {
    await qmp(path.join(this.#directory, "qmp.sock"), "system_reset");
  }

  /** Powers off and removes the machine's folder. */
  async destroy(): Promise<void> {
    await this.powerCut();
    this.#claims.release();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
