import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";

/** Loopback ports of one sandbox, chosen at its first `up` and kept: they stand in its kubeconfigs. */
export interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
  readonly gateway: number;
}

const lowest = 20_000;

/**
 * First port that the kernel gives to outgoing connections. Ports below it stay free while a sandbox is down;
 * others could be somebody's when it comes up again.
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
  const server = await listen(port);
  server?.close();
  return server !== undefined;
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen({ port, host: "127.0.0.1" });
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}

/** Picks free ports, all held at the same time so that no two are equal. */
export async function pickPorts(): Promise<Ports> {
  const held: Server[] = [];
  const picked: number[] = [];
  const span = firstEphemeralPort() - lowest;
  try {
    while (picked.length < 4) {
      const port = lowest + Math.floor(Math.random() * span);
      const server = await listen(port);
      if (!server) continue;
      held.push(server);
      picked.push(port);
    }
  } finally {
    for (const server of held) server.close();
  }
  const [etcd, etcdPeer, apiServer, gateway] = picked as [number, number, number, number];
  return { etcd, etcdPeer, apiServer, gateway };
}
