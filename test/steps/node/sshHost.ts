import { spawn } from "node:child_process";
import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";

/** A host that runs what it is told in a local shell, for one user with one key. */
export interface SshHost {
  port: number;
  /** Type and base64, as in `known_hosts`. */
  hostKey: string;
  /** The only key that may log in, OpenSSH format. */
  privateKey: string;
  /** Connections that were accepted. */
  connections(): number;
  /** Commands that were run. */
  commands(): number;
  stop(): Promise<void>;
}

/** Its own key, and how it signs with it; by default all ways that the server knows. */
export interface HostIdentity {
  readonly key: { readonly private: string; readonly public: string };
  readonly algorithms?: ssh2.ServerHostKeyAlgorithm[];
}

/**
 * Starts the host on a free loopback port.
 *
 * @param environment what its commands find in their environment, beside this process's
 */
export async function startSshHost(
  environment: Readonly<Record<string, string>> = {},
  { key: host, algorithms }: HostIdentity = { key: ed25519Key() },
): Promise<SshHost> {
  const user = ed25519Key();
  const allowed = ssh2.utils.parseKey(user.public);
  if (allowed instanceof Error) throw allowed;
  const offers = algorithms === undefined ? {} : { algorithms: { serverHostKey: algorithms } };
  let connections = 0;
  let commands = 0;
  const server = new ssh2.Server({ hostKeys: [host.private], ...offers }, (client) => {
    connections++;
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      const known = context.method === "publickey" && context.key.data.equals(allowed.getPublicSSH());
      if (known) context.accept();
      else context.reject(["publickey"]);
    });
    client.on("session", (acceptSession) => {
      acceptSession().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        commands++;
        const env = { ...process.env, ...environment };
        const child = spawn("/bin/sh", ["-c", command], { env, stdio: ["pipe", "pipe", "pipe"] });
        child.stdin.on("error", () => undefined);
        channel.pipe(child.stdin);
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on("close", (code) => {
          channel.exit(code ?? 1);
          channel.end();
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: host.public.trim(),
    privateKey: user.private,
    connections: () => connections,
    commands: () => commands,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
