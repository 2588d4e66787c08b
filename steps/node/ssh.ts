import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Client, type ConnectConfig } from "ssh2";
import { parseAddress } from "../../core/configuration/address.ts";
import { sshKeepaliveSeconds, sshKeepaliveTries, sshLoginSeconds } from "../../core/patience.ts";
import type { SshTarget } from "../../core/node/sshTarget.ts";
import { after } from "../lib/clock.ts";
import { expandHome } from "../lib/expandHome.ts";
import { LimitedText } from "../lib/limited.ts";
import { excerpt } from "../../core/text.ts";
import { StepError } from "../lib/step.ts";

/** The node can't be reached now: refused, cut, or no answer. It may be rebooting. */
export class Unreachable extends StepError {
  constructor(message: string) {
    super("OKMM-SSH-AWAY", message);
  }
}

export interface RemoteResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long one command on a node may take. */
export interface SshLimits {
  /** Seconds to connect and to log in. */
  readonly connectSeconds: number;
  /** Seconds for the whole; absent: as long as the connection lives. */
  readonly commandSeconds?: number;
}

/** Most bytes of either output: what a tool says of a node is a hundredth of it. */
const mostOutput = 1024 * 1024;

/** Unless the caller is in a hurry. */
const patient: SshLimits = { connectSeconds: sshLoginSeconds };

/**
 * Runs one command on a node, with `input` on its stdin.
 *
 * @throws Unreachable when there is no connection, or it breaks; StepError for a wrong host key or a refused login
 */
export async function runRemote(
  target: SshTarget,
  command: string,
  input: string,
  limits: SshLimits = patient,
): Promise<RemoteResult> {
  let shown: Buffer | undefined;
  const config = await connectConfig(target, limits.connectSeconds, (key) => (shown = key));
  return new Promise((resolve, reject) => {
    const client = new Client();
    const fail = (error: Error & { level?: string }) => {
      client.end();
      reject(readable(target, error, shown));
    };
    const taking = (take: () => void) => {
      try {
        take();
      } catch (error) {
        client.destroy();
        reject(new StepError("OKMM-NODE-TOOL", `${target.address}: ${(error as Error).message} to one command`));
      }
    };
    client.on("error", fail).on("close", () => fail(new Error("connection closed")));
    client.on("ready", () => {
      client.exec(command, (error, channel) => {
        if (error !== undefined) {
          fail(error);
          return;
        }
        const [stdout, stderr] = [new LimitedText(mostOutput), new LimitedText(mostOutput)];
        channel.on("data", (data: Buffer) => taking(() => stdout.add(data)));
        channel.stderr.on("data", (data: Buffer) => taking(() => stderr.add(data)));
        channel.on("close", (code: number | null) => {
          if (code === null) fail(new Error("connection closed before the command ended"));
          else resolve({ code, stdout: stdout.text, stderr: stderr.text });
          client.end();
        });
        channel.end(input);
      });
    });
    try {
      // Small questions and answers in turn: each would wait for the other side's delayed acknowledgement, some 40 ms.
      client.connect(config).setNoDelay(true);
      endAfter(client, limits.commandSeconds, fail);
    } catch (error) {
      // It reads the key before it connects; its messages quote nothing of it.
      reject(unusableKey(target, (error as Error).message));
    }
  });
}

/** Gives up on a command that goes on for too long: a node whose tools hang must not keep everybody waiting. */
function endAfter(client: Client, seconds: number | undefined, fail: (error: Error) => void): void {
  if (seconds === undefined) return;
  const cancel = after(seconds * 1000, () => fail(new Error(`no answer within ${seconds} s`)));
  client.on("close", cancel);
}

const unusableKey = ({ privateKeyFile = "" }: SshTarget, why: string): StepError =>
  new StepError(
    "OKMM-SSH-KEY",
    `onload-kmm:ssh.privateKeyFile: found "${privateKeyFile}": ${why}; expected a private key without passphrase`,
  );

/** @param onKey is told the host key that the node shows */
async function connectConfig(
  target: SshTarget,
  connectSeconds: number,
  onKey: (key: Buffer) => void,
): Promise<ConnectConfig> {
  const expected = Buffer.from(target.hostKey.split(" ")[1] ?? "", "base64");
  return {
    ...parseAddress(target.address),
    username: target.user,
    readyTimeout: connectSeconds * 1000,
    // A node that is powered off says no goodbye: without these the step would wait for it for ever.
    keepaliveInterval: sshKeepaliveSeconds * 1000,
    keepaliveCountMax: sshKeepaliveTries,
    // Offered key types limited to the pinned one: else the node may prove itself by another of its keys.
    algorithms: { serverHostKey: hostKeyAlgorithms(target.hostKey) },
    hostVerifier: (key: Buffer) => {
      onKey(key);
      return key.equals(expected);
    },
    ...(target.agent ? { agent: process.env["SSH_AUTH_SOCK"] ?? "" } : { privateKey: await privateKey(target) }),
  };
}

type HostKeyAlgorithm =
  NonNullable<NonNullable<ConnectConfig["algorithms"]>["serverHostKey"]> extends (infer T)[] ? T : never;

/** An RSA key signs by one of several algorithms; the others are their type's only one. */
function hostKeyAlgorithms(hostKey: string): HostKeyAlgorithm[] {
  const type = hostKey.split(" ")[0] ?? "";
  return (type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type]) as HostKeyAlgorithm[];
}

async function privateKey(target: SshTarget): Promise<Buffer> {
  try {
    return await readFile(expandHome(target.privateKeyFile ?? ""));
  } catch (error) {
    throw unusableKey(target, (error as NodeJS.ErrnoException).code ?? "unreadable");
  }
}

/** As `ssh-keygen -lf` prints it. */
const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;

/** Characters of a server's words that an error repeats. */
const longestWords = 500;

function readable(
  { address, user, hostKey }: SshTarget,
  error: Error & { level?: string },
  shown: Buffer | undefined,
): StepError {
  const key = Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
  // By the key, and not by the error's words, which a server may have chosen.
  if (shown !== undefined && !shown.equals(key)) {
    const [configured, found] = [fingerprint(key), fingerprint(shown)];
    return new StepError(
      "OKMM-SSH-HOSTKEY",
      `${address}: its SSH host key is not the configured ${hostKey.split(" ")[0] ?? ""} one; nothing was sent to it. ` +
        `It shows ${found}, configured is ${configured}. ` +
        "Find out why it changed before you change the node's hostKey in onload-kmm:nodes",
    );
  }
  if (error.level === "handshake" && /no matching host key/i.test(error.message)) {
    const type = hostKey.split(" ")[0] ?? "";
    const sha1 = type === "ssh-rsa" ? ", or signs with it by SHA-1 only" : "";
    return new StepError(
      "OKMM-SSH-HOSTKEY",
      `${address}: it has no SSH host key of the configured type ${type}${sha1}; check the node's key, then change its hostKey`,
    );
  }
  if (error.level === "client-authentication") {
    return new StepError(
      "OKMM-SSH-LOGIN",
      `${address}: ${user} may not log in; check onload-kmm:ssh and the node's authorized keys`,
    );
  }
  return new Unreachable(`${address}: no SSH connection (${excerpt(error.message, longestWords)})`);
}
