import { appendFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Keyboard } from "./keyboard.ts";

/**
 * One node's serial line on a loopback TCP port, as a serial-over-LAN session gives it: raw bytes both ways. A client
 * sees what is written from its connection on, and nothing from before.
 */
export class SerialConsole {
  readonly keyboard = new Keyboard();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #logFile: string;

  /** `logFile` gets everything that is written to the line. What is typed never shows there. */
  constructor(logFile: string) {
    this.#logFile = logFile;
    this.#server = createServer((socket) => this.#connected(socket));
  }

  /** Answers the port: `port`, or a free one for 0. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  write(text: string): void {
    appendFileSync(this.#logFile, text, { mode: 0o600 });
    for (const socket of this.#sockets) socket.write(text);
  }

  async close(): Promise<void> {
    this.keyboard.clear();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #connected(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    this.#sockets.add(socket);
    socket.on("data", (text: string) => this.keyboard.feed(text));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
