import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * Runs `action` while no other process of this machine holds the lock `name`. The lock is a Unix socket in Linux's
 * abstract namespace: the kernel drops it with its process, so that nothing stale is left after a SIGKILL.
 * `onWait` is called once when another process holds the lock.
 */
export async function withLock<T>(name: string, onWait: () => void, action: () => Promise<T>): Promise<T> {
  const address = `\0onload-kmm-${createHash("sha256").update(name).digest("hex").slice(0, 32)}`;
  const waiters = new Set<Socket>();
  let server = await tryListen(address, waiters);
  if (!server) onWait();
  while (!server) {
    await holderIsGone(address);
    server = await tryListen(address, waiters);
  }
  try {
    return await action();
  } finally {
    server.close();
    for (const waiter of waiters) waiter.destroy();
  }
}

async function tryListen(address: string, waiters: Set<Socket>): Promise<Server | undefined> {
  const server = createServer((socket) => {
    waiters.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => waiters.delete(socket));
  });
  server.listen(address);
  try {
    await once(server, "listening");
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw error;
  }
}

/** Resolves when the holder closes its end, or when there is no holder any more. */
function holderIsGone(address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve());
  });
}
