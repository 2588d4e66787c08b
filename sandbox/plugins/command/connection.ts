/** An SSH connection as `remote.Command` makes it: host key, credentials and the retries of the first contact. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";
import type { EngineLog } from "../core/engineLog.ts";
import { isObject, type PropertyMap, type Value } from "../core/values.ts";

/** The input `connection`, with its defaults filled in. */
export interface ConnectionSettings {
  host: string;
  port: number;
  user: string;
  /** PEM or OpenSSH text. */
  privateKey?: string;
  privateKeyPassword?: string;
  password?: string;
  agentSocketPath?: string;
  /** A line of `known_hosts` without the host: type and base64. Without it any host is trusted, as by the real one. */
  hostKey?: string;
  /** Failed attempts before giving up; -1 for no limit. */
  dialErrorLimit: number;
  /** Seconds for one TCP connection; 0 for no limit. */
  perDialTimeout: number;
}

/** First pause between attempts, its growth, and the longest one, milliseconds (Go SDK, `retry.Until`). */
const FIRST_PAUSE = 100;
const PAUSE_FACTOR = 1.5;
const LONGEST_PAUSE = 5000;

/** Reads the input; envelopes must be off. */
export function connectionSettings(connection: Value | undefined): ConnectionSettings {
  const given = isObject(connection) ? (connection as PropertyMap & Partial<ConnectionSettings>) : {};
  return { host: "", port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15, ...given };
}

/** Connects, again and again until it works or the limit is reached. */
export async function dial(
  settings: ConnectionSettings,
  context: { urn: string; signal: AbortSignal; log: EngineLog },
): Promise<ssh2.Client> {
  const limit = settings.dialErrorLimit;
  if (context.signal.aborted) throw new Error("context canceled");
  for (let attempt = 0, pause = FIRST_PAUSE; ; attempt++, pause = Math.min(pause * PAUSE_FACTOR, LONGEST_PAUSE)) {
    try {
      return await dialOnce(settings);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (limit > -1 && attempt + 1 > limit) throw new Error(`after ${attempt} failed attempts: ${message}`);
      const status = `Dial ${attempt + 1}/${limit === -1 ? "inf" : limit} failed: retrying`;
      await context.log.status("info", status, context.urn);
    }
    await sleep(pause, undefined, { signal: context.signal }).catch(() => {
      throw new Error("context canceled");
    });
  }
}

async function dialOnce(settings: ConnectionSettings): Promise<ssh2.Client> {
  const socket = await openSocket(settings);
  const client = new ssh2.Client();
  let mismatch = false;
  return await new Promise((resolve, reject) => {
    client.once("ready", () => resolve(client));
    client.once("error", (error: Error & { level?: string }) => {
      socket.destroy();
      reject(new Error(`ssh: handshake failed: ${mismatch ? "ssh: host key mismatch" : wordsOf(error, settings)}`));
    });
    client.connect({
      sock: socket,
      username: settings.user,
      readyTimeout: 0,
      hostVerifier: (key: Buffer) => {
        mismatch = !isExpectedKey(key, settings.hostKey);
        return !mismatch;
      },
      ...(settings.hostKey !== undefined && { algorithms: { serverHostKey: [keyType(settings.hostKey)] } }),
      authHandler: authentication(settings),
    });
  });
}

function openSocket({ host, port, perDialTimeout }: ConnectionSettings): Promise<Socket> {
  const words: Record<string, string> = {
    ECONNREFUSED: `dial tcp ${host}:${port}: connect: connection refused`,
    EHOSTUNREACH: `dial tcp ${host}:${port}: connect: no route to host`,
    ETIMEDOUT: `dial tcp ${host}:${port}: i/o timeout`,
    ENOTFOUND: `dial tcp: lookup ${host}: no such host`,
  };
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: perDialTimeout * 1000 });
    socket.once("timeout", () => socket.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
    socket.once("error", (error: NodeJS.ErrnoException) => reject(new Error(words[error.code ?? ""] ?? error.message)));
    socket.once("connect", () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

/** `ssh-ed25519` of `ssh-ed25519 AAAA…`: the only algorithm that is then offered, as the real plugin does. */
function keyType(hostKey: string): ssh2.ServerHostKeyAlgorithm {
  return hostKey.trim().split(/\s+/)[0] as ssh2.ServerHostKeyAlgorithm;
}

function isExpectedKey(offered: Buffer, hostKey: string | undefined): boolean {
  if (hostKey === undefined) return true;
  return Buffer.from(hostKey.trim().split(/\s+/)[1] ?? "", "base64").equals(offered);
}

/** Key, password and agent, in the order in which the real plugin offers them. */
function authentication(settings: ConnectionSettings): ssh2.AuthenticationType[] | ssh2.AnyAuthMethod[] {
  const { user: username, privateKey, privateKeyPassword, password } = settings;
  const agent = settings.agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  const methods: ssh2.AnyAuthMethod[] = [];
  if (privateKey !== undefined) {
    const passphrase = privateKeyPassword === undefined ? {} : { passphrase: privateKeyPassword };
    methods.push({ type: "publickey", username, key: privateKey, ...passphrase });
  }
  if (password !== undefined) methods.push({ type: "password", username, password });
  if (agent !== undefined && agent !== "") methods.push({ type: "agent", username, agent });
  return methods;
}

/** ssh2's errors in the words of Go's library. */
function wordsOf(error: Error & { level?: string }, settings: ConnectionSettings): string {
  if (error.level !== "client-authentication") return `ssh: ${error.message}`;
  const tried = ["none", ...(settings.privateKey === undefined ? [] : ["publickey"])];
  return `ssh: unable to authenticate, attempted methods [${tried.join(" ")}], no supported methods remain`;
}
