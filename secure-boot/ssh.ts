/** Runs command lines on the machine through OpenSSH's client, with the host key pinned. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";

/** How to reach a machine. */
export interface SshTarget {
  user: string;
  host: string;
  port: number;
  /** `ssh-ed25519 AAAA…`, as Pulumi's configuration takes it. */
  hostKey: string;
  /** Private key of `user`. */
  identityFile: string;
  /** known_hosts file that holds `hostKey`. */
  knownHosts: string;
}

/** What a command answered. */
export interface SshResult {
  /** The command's exit code; 255 also when SSH itself failed. */
  code: number;
  stdout: string;
  stderr: string;
}

/** What the client prints if it is turned away before the command can start, as by a machine that is too busy. */
const notBegun = /kex_exchange_identification|banner exchange|Connection (?:refused|reset|closed) by/;
const attempts = 10;

/** Runs `commandLine` by the login shell of the target, with `stdin` on its standard input. */
export async function ssh(target: SshTarget, commandLine: string, stdin: string | Buffer): Promise<SshResult> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await connectOnce(target, commandLine, stdin);
    if (result.code !== 255 || !notBegun.test(result.stderr) || attempt === attempts) return result;
  }
}

/** Starts OpenSSH's client on `commandLine`; `options` are ssh_config(5)'s, beyond or instead of the usual ones. */
export function startSsh(
  target: SshTarget,
  commandLine: string,
  options: Record<string, string> = {},
): ChildProcessWithoutNullStreams {
  const all = {
    UserKnownHostsFile: target.knownHosts,
    StrictHostKeyChecking: "yes",
    IdentitiesOnly: "yes",
    BatchMode: "yes",
    ConnectTimeout: "600",
    LogLevel: "ERROR",
    ...options,
  };
  return spawn("ssh", [
    ...["-F", "none", "-i", target.identityFile, "-p", String(target.port)],
    ...Object.entries(all).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...[`${target.user}@${target.host}`, commandLine],
  ]);
}

async function connectOnce(target: SshTarget, commandLine: string, stdin: string | Buffer): Promise<SshResult> {
  const child = startSsh(target, commandLine);
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // A command that ends without reading its input closes the pipe: not an error of ours.
  child.stdin.on("error", () => undefined).end(stdin);
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 255, ...output };
}
