/** Loopback ports, and how sandboxes that start at the same moment keep out of each other's way. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ListenOptions, type Server } from "node:net";
import { UserError } from "./userError.ts";

const lowest = 20_000;
const mostTries = 2000;

/**
 * First port that the kernel gives to outgoing connections, and to servers that ask for any. A port below it is taken
 * only by a program that names it.
 */
function firstEphemeralPort(): number {
  try {
    const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    return Math.max(Number(range.split(/\s+/)[0]), lowest + 1000);
  } catch {
    return 32_768;
  }
}

/** Whether a server could listen on this loopback port now. */
export async function isFree(port: number): Promise<boolean> {
  const server = await tryListen({ port, host: "127.0.0.1" });
  server?.close();
  return server !== undefined;
}

async function tryListen(where: ListenOptions): Promise<Server | undefined> {
  const server = createServer().listen(where);
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}

/** Whether a server couldn't listen because another one has the port. */
export function isPortTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
}

/**
 * Ports of 127.0.0.1 that no other sandbox of this machine chooses while they are claimed: before their servers listen,
 * and while those restart. A claim is a Unix socket in Linux's abstract namespace, which is as wide as the loopback
 * interface (one network namespace) and ends with its process. It binds sandboxes only; what any other program takes in
 * the meantime shows when a server wants to listen, and then another port is asked for.
 */
export class PortClaims {
  readonly #held = new Map<number, Server>();

  /** Claims the port if it is free and nobody else's; false when it isn't. */
  async claim(port: number): Promise<boolean> {
    const claim = await tryListen({ path: `\0onload-kmm-port-${port}` });
    if (claim === undefined) return false;
    if (!(await isFree(port))) {
      claim.close();
      return false;
    }
    claim.unref();
    this.#held.set(port, claim);
    return true;
  }

  /**
   * Claims `wanted` if that is possible, else any other port.
   * @throws UserError when there is none.
   */
  async take(wanted?: number): Promise<number> {
    if (wanted !== undefined && (await this.claim(wanted))) return wanted;
    const span = firstEphemeralPort() - lowest;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const port = lowest + Math.floor(Math.random() * span);
      if (await this.claim(port)) return port;
    }
    throw new UserError(
      `no free port on 127.0.0.1 from ${lowest} to ${lowest + span - 1}; end what listens there; \`ss -ltnp\` shows it`,
    );
  }

  /** True while the port is claimed here. */
  has(port: number): boolean {
    return this.#held.has(port);
  }

  /** Gives all claims back. */
  release(): void {
    for (const claim of this.#held.values()) claim.close();
    this.#held.clear();
  }
}

/** Does `action` with claims that end with it. */
export async function withPortClaims<T>(action: (claims: PortClaims) => Promise<T>): Promise<T> {
  const claims = new PortClaims();
  try {
    return await action(claims);
  } finally {
    claims.release();
  }
}
