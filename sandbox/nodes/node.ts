import { readFileSync, realpathSync } from "node:fs";
import { isAbsolute, join, resolve, sep } from "node:path";
import { nameWithHolders } from "../portHolder.ts";
import { isPortTaken } from "../ports.ts";
import type { NodeAccess } from "./access.ts";
import type { ToolCall } from "./calls.ts";
import { SerialConsole } from "./firmware/serialConsole.ts";
import { KnownLooks } from "./knownLooks.ts";
import type { Machine } from "./machine.ts";
import { Power, type PowerOptions } from "./power.ts";
import { RootFileSystem } from "./rootfs.ts";
import { SshServer } from "./sshServer.ts";
import { TOOLS } from "./tools/table.ts";
import { failed, type Result } from "./tools/tool.ts";
import { unitExists } from "./tools/systemd.ts";

const ASK_AGAIN_MS = 1000;

/** What a node is made with. */
export interface NodeOptions extends Pick<
  PowerOptions,
  "machine" | "save" | "failing" | "bootSeconds" | "report" | "log"
> {
  access: NodeAccess;
  /** Directory of the node's own files. */
  directory: string;
  /** The directory that is all of its PATH. */
  bin: string;
  clientKey: string;
  /** The directory by which its commands reach the process that plays them. */
  calls: string;
}

/** One node's machine with everything by which it is reached: SSH, serial console, power, its commands. */
export class SandboxNode {
  readonly power: Power;
  readonly console: SerialConsole;
  readonly #options: NodeOptions;
  readonly #ssh: SshServer;
  readonly #files: RootFileSystem;
  #askingAgain: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: NodeOptions) {
    const { machine, access, directory, bin, clientKey, calls } = options;
    this.#options = options;
    this.#files = new RootFileSystem(join(directory, "root"));
    this.console = new SerialConsole(join(directory, "console.log"));
    const home = join(this.#files.directory, "var/home/core");
    const env = {
      PATH: bin,
      HOME: home,
      USER: "core",
      ONLOAD_KMM_ROOT: this.#files.directory,
      ONLOAD_SANDBOX_NODE: machine.spec.name,
      ONLOAD_SANDBOX_CALLS: calls,
    };
    const looks = new KnownLooks(
      () => options.failing("node.repeats-looks"),
      () => JSON.stringify(machine),
    );
    this.#ssh = new SshServer({ node: machine.spec.name, port: access.sshPort, clientKey, env, home, looks });
    this.power = new Power({
      ...options,
      console: this.console,
      wentDown: () => this.#wentDown(),
      cameUp: () => this.adjust(),
    });
  }

  get machine(): Machine {
    return this.#options.machine;
  }

  /** Fails with EADDRINUSE, and can't be started again, when another program has just taken one of its ports. */
  async start(): Promise<void> {
    this.sync();
    await this.console.listen(this.#options.access.consolePort);
    if (this.#answersSsh()) await this.#ssh.start();
    this.power.resume();
  }

  async stop(): Promise<void> {
    await this.power.stop();
    this.#stopped = true;
    clearTimeout(this.#askingAgain);
    this.#ssh.kill();
    await this.#ssh.stop();
    await this.console.close();
  }

  /** Keeps what was changed in the machine's state. */
  save(): void {
    this.#options.save();
  }

  /** Brings the node's files up to date with the machine. */
  sync(): void {
    this.#files.sync(this.machine);
  }

  /**
   * Opens or closes the SSH server, as the machine's state and the switches ask. The port may have been taken by another
   * program while the server was closed; stacks know the node by it, so it is asked for until it is free.
   */
  async adjust(): Promise<void> {
    clearTimeout(this.#askingAgain);
    if (!this.#answersSsh()) return this.#ssh.stop();
    try {
      await this.#ssh.start();
    } catch (error) {
      if (!isPortTaken(error)) throw error;
      const { access, log } = this.#options;
      log(`${access.name}: ${nameWithHolders([access.sshPort])}: no SSH until it is free`);
      this.#askingAgain = setTimeout(() => void this.adjust(), ASK_AGAIN_MS);
    }
  }

  #answersSsh(): boolean {
    return !this.#stopped && this.machine.power === "running" && !this.#options.failing("ssh.refuse");
  }

  /** Runs one of the commands that are played. */
  run(request: ToolCall): Result {
    const { machine, save, failing } = this.#options;
    const tool = TOOLS[request.tool];
    if (tool === undefined) return failed(127, `${request.tool}: the sandbox doesn't know this command`);
    if (machine.power !== "running") return failed(255, `${machine.spec.name} is down`);
    const readFile = (path: string): Buffer | null => this.#read(path, request.cwd);
    const result = tool({ machine, failing, readFile, ...request });
    save();
    if ("code" in result) return result;
    if (!this.power.plan(result.after)) return unitExists(result.unit ?? "");
    return { code: 0, stdout: "", stderr: "" };
  }

  /** Cuts the open SSH connections. */
  cut(): void {
    this.#ssh.cut();
  }

  async #wentDown(): Promise<void> {
    this.#ssh.kill();
    await this.#ssh.stop();
    this.#files.clearMemory();
    this.sync();
  }

  /** A file of the node: nothing outside its own directory is read. */
  #read(path: string, cwd: string): Buffer | null {
    try {
      const file = realpathSync(isAbsolute(path) ? path : resolve(cwd, path));
      const inside = file.startsWith(realpathSync(this.#files.directory) + sep);
      return inside ? readFileSync(file) : null;
    } catch {
      return null;
    }
  }
}
