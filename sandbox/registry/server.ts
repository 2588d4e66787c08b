import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { hash } from "bcryptjs";
import { stringify } from "yaml";
import { loopbackCertificate } from "../kmm/admission/certificate.ts";
import { ensureRegistry } from "../toolchain/toolchain.ts";

const user = "robot";
const password = "not-for-everybody";

/** Time for it to listen. */
const readyWithinMs = 30_000;

export interface RegistryOptions {
  /** Whether manifests may be deleted; the real one's default is no. */
  readonly deletes?: boolean;
}

/** A registry of its own on this machine: the real program, with TLS and a password. End it with `stop()`. */
export class RegistryServer {
  /** Host and port, as images name it. */
  readonly host: string;
  /** PEM: what its certificate is verified against. */
  readonly ca: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(host: string, ca: string, own: { child: ChildProcess; directory: string }) {
    this.host = host;
    this.ca = ca;
    this.#child = own.child;
    this.#directory = own.directory;
  }

  static async start({ deletes = true }: RegistryOptions = {}): Promise<RegistryServer> {
    const program = await ensureRegistry();
    const directory = await mkdtemp(join(tmpdir(), "onload-kmm-registry-"));
    const { cert, key } = await loopbackCertificate();
    const file = (name: string): string => join(directory, name);
    await writeFile(file("tls.crt"), cert);
    await writeFile(file("tls.key"), key, { mode: 0o600 });
    await writeFile(file("htpasswd"), `${user}:${await hash(password, 4)}\n`, { mode: 0o600 });
    const config = {
      version: "0.1",
      log: { level: "info" },
      storage: { filesystem: { rootdirectory: file("storage") }, delete: { enabled: deletes } },
      http: { addr: "127.0.0.1:0", tls: { certificate: file("tls.crt"), key: file("tls.key") } },
      auth: { htpasswd: { realm: "sandbox", path: file("htpasswd") } },
    };
    await writeFile(file("config.yaml"), stringify(config));
    const env = { PATH: process.env["PATH"], HOME: directory, OTEL_TRACES_EXPORTER: "none" };
    const child = spawn(program, ["serve", file("config.yaml")], { env, stdio: ["ignore", "ignore", "pipe"] });
    try {
      return new RegistryServer(`127.0.0.1:${await portOf(child)}`, cert, { child, directory });
    } catch (error) {
      await end(child, directory);
      throw error;
    }
  }

  /** What a Secret of type kubernetes.io/dockerconfigjson holds for it. */
  dockerConfig(given: string = password): string {
    return JSON.stringify({ auths: { [this.host]: { auth: Buffer.from(`${user}:${given}`).toString("base64") } } });
  }

  async stop(): Promise<void> {
    await end(this.#child, this.#directory);
  }
}

/** It says on which port it listens. */
async function portOf(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the registry ${why}:\n${said.join("\n")}`));
    const timer = setTimeout(() => fail("isn't ready"), readyWithinMs);
    child.once("error", reject);
    child.once("exit", () => fail("ended"));
    createInterface({ input: child.stderr ?? process.stdin }).on("line", (line) => {
      said.push(line);
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(port);
    });
  });
}

async function end(child: ChildProcess, directory: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  await rm(directory, { recursive: true, force: true });
}
