import { timingSafeEqual } from "node:crypto";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { newToken } from "./access.ts";

/** One request: a line of JSON. `token` must be the server's; the rest is the handler's. */
export type Request = Record<string, unknown>;

/** Answers a request; what it throws becomes `{error}`. */
export type Handler = (request: Request) => unknown;

/**
 * A server on loopback by which the machines are controlled: one line of JSON in, one value in JSON out. The token keeps
 * other users of this computer away.
 */
export class RequestServer {
  readonly token = newToken();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(handler: Handler) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      void this.#serve(socket, handler);
    });
  }

  /** Answers the port that was free. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(socket: Socket, handler: Handler): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
      const request = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Request;
      if (!this.#knows(request["token"])) throw new Error("wrong token");
      socket.end(JSON.stringify((await handler(request)) ?? null));
    } catch (error) {
      socket.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
    }
  }

  #knows(token: unknown): boolean {
    const [given, own] = [Buffer.from(String(token)), Buffer.from(this.token)];
    return given.length === own.length && timingSafeEqual(given, own);
  }
}
