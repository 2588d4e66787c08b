/** Machines, keys and SSH for the tests of the sandbox's nodes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import ssh2 from "ssh2";
import { readAccess, type NodeAccess } from "../../nodes/access.ts";
import { Fleet } from "../../nodes/fleet.ts";
import type { Certificate, Machine } from "../../nodes/machine.ts";
import type { Readiness } from "../../nodes/nodeStatus.ts";
import { newMachine } from "../../nodes/machine.ts";
import { MachineStore } from "../../nodes/store.ts";
import type { SwitchName } from "../../switches.ts";

export const PASSWORD = "Onload1pw";
/** bcrypt of PASSWORD with cost 4, in the notation of `random.RandomPassword`. */
export const PASSWORD_HASH = "$2a$04$7yyeW8DEQVIE1xhlYx1rCOhwwMn5r1JUe0kftCT0Z1/5aYsk7oxha";

export const KERNEL = "5.14.0-570.49.1.el9_6.x86_64";

export const machine = (name = "worker-1", secureBoot = true): Machine =>
  newMachine({
    name,
    kernel: KERNEL,
    osImage: "Red Hat Enterprise Linux CoreOS 9.6.20251015-1 (Plow)",
    role: "worker",
    solarflare: true,
    secureBoot,
  });

/** A self-signed certificate with this common name. */
export function certificate(name: string): Certificate {
  const directory = mkdtempSync(join(tmpdir(), "onload-kmm-cert-"));
  const subject = ["-subj", `/CN=${name}/`, "-keyout", join(directory, "key"), "-out", join(directory, "cert")];
  const kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-outform", "DER"];
  execFileSync("openssl", ["req", "-new", ...kind, ...subject], { stdio: "ignore" });
  const der = readFileSync(join(directory, "cert")).toString("base64");
  rmSync(directory, { recursive: true });
  return { der };
}

/** One of the project's on-node tools, with what they share. */
export const nodeScript = (name: string): string =>
  ["lib", name].map((part) => readFileSync(`assets/node/${part}.sh`, "utf8")).join("\n");

/** How a command ended; `code` is null when the connection was cut. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A fleet of machines without a cluster, on free ports, in a temporary directory. */
export class Machines {
  readonly stateDir = mkdtempSync(join(tmpdir(), "onload-kmm-nodes-"));
  readonly store = MachineStore.open(this.stateDir);
  readonly log: string[] = [];
  readonly reported: string[] = [];
  readonly #switches = new Map<SwitchName, string>();
  readonly #listeners = new Set<() => void>();
  #waiting: [string, () => void][] = [];
  readonly #fleet: Fleet;

  private constructor() {
    this.#fleet = new Fleet({
      stateDir: this.stateDir,
      store: this.store,
      log: (line) => this.log.push(line),
      report: (target, readiness) => this.#report(target, readiness),
      switches: {
        matches: (name, value) => new RegExp(this.#switches.get(name) ?? "$^").test(value),
        seconds: (name, otherwise) => Number(this.#switches.get(name) ?? NaN) || otherwise,
        onChange: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
    });
  }

  static async start(...machines: Machine[]): Promise<Machines> {
    const made = new Machines();
    made.#switches.set("node.boot.seconds", "0.1");
    for (const each of machines) made.store.ensure(each.spec, each);
    await made.#fleet.start();
    return made;
  }

  /** Sets a failure switch; undefined takes it off. */
  setSwitch(name: SwitchName, value: string | undefined): void {
    if (value === undefined) this.#switches.delete(name);
    else this.#switches.set(name, value);
    for (const listener of this.#listeners) listener();
  }

  get(name: string): Machine {
    const found = this.store.get(name);
    if (found === undefined) throw new Error(`no machine ${name}`);
    return found;
  }

  access(name: string): NodeAccess {
    const found = readAccess(this.stateDir).find((entry) => entry.name === name);
    if (found === undefined) throw new Error(`no access to ${name}`);
    return found;
  }

  /** Resolves at the next report of this kind, for example `worker-1 ready`. */
  reports(line: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push([line, resolve]));
  }

  /** Resolves when this shows on the node's console. */
  shows(name: string, pattern: RegExp): Promise<void> {
    const line = connect(this.access(name).consolePort, "127.0.0.1");
    let seen = "";
    return new Promise((resolve) => {
      line.on("data", (bytes) => {
        seen += bytes.toString();
        if (!pattern.test(seen)) return;
        line.destroy();
        resolve();
      });
    });
  }

  /** Runs a command on the node as `core`, with the host key checked. */
  ssh(name: string, command: string, stdin = ""): Promise<Ended> {
    const { sshPort, hostKey } = this.access(name);
    const client = new ssh2.Client();
    return new Promise<Ended>((resolve, reject) => {
      client.on("error", reject);
      client.on("close", () => resolve({ code: null, stdout: "", stderr: "" }));
      client.on("ready", () => {
        client.exec(command, (error, channel) => {
          if (error === undefined) void collect(channel, stdin).then(resolve);
          else reject(error);
        });
      });
      client.connect({
        host: "127.0.0.1",
        port: sshPort,
        username: "core",
        privateKey: readFileSync(join(this.stateDir, "ssh/id_ed25519")),
        hostVerifier: (key: Buffer) => key.toString("base64") === hostKey.split(" ")[1],
      });
    }).finally(() => client.end());
  }

  /** Runs an on-node tool; its input as `name=value` lines. */
  async tool(node: string, name: string, input: Record<string, string> = {}): Promise<Ended> {
    const lines = Object.entries(input).map(([key, value]) => `${key}=${value}\n`);
    return this.ssh(node, nodeScript(name), lines.join(""));
  }

  async stop(): Promise<void> {
    await this.#fleet.stop();
    rmSync(this.stateDir, { recursive: true });
  }

  #report({ spec }: Machine, readiness: Readiness): Promise<void> {
    const line = `${spec.name} ${readiness}`;
    this.reported.push(line);
    const due = this.#waiting.filter(([wanted]) => wanted === line);
    this.#waiting = this.#waiting.filter(([wanted]) => wanted !== line);
    for (const [, resolve] of due) resolve();
    return Promise.resolve();
  }
}

async function collect(channel: ssh2.ClientChannel, stdin: string): Promise<Ended> {
  let code: number | null = null;
  channel.on("exit", (status: number | null) => (code = status));
  const output = Promise.all([text(channel), text(channel.stderr)]);
  channel.end(stdin);
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}
