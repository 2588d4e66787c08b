import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** Gives the log of a container; undefined when there is none. */
export type LogSource = (namespace: string, pod: string) => string | undefined;

/**
 * The one thing of a kubelet's HTTPS server that is played, for all nodes at once: containers' logs, as kube-apiserver
 * asks for them on behalf of `kubectl logs`. Only KMM's pods have any; nothing is followed, and there is no exec.
 */
export class LogServer {
  readonly #server: Server;

  /** `stateDir` holds the sandbox's certificates; the API server doesn't check a kubelet's. */
  constructor(stateDir: string, source: LogSource) {
    const pki = (name: string): Buffer => readFileSync(join(stateDir, "pki", name));
    this.#server = createServer({ cert: pki("gateway.crt"), key: pki("gateway.key") }, (request, response) => {
      const { pathname } = new URL(request.url ?? "/", "https://kubelet");
      const [, what, namespace = "", pod = ""] = pathname.split("/").map(decodeURIComponent);
      const log = what === "containerLogs" ? source(namespace, pod) : undefined;
      response.statusCode = log === undefined ? 404 : 200;
      response.setHeader("Content-Type", "text/plain");
      response.end(log ?? `the sandbox keeps no log of ${pathname}\n`);
    });
  }

  /** Answers the port that was free. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
