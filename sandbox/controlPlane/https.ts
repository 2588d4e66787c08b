import { request } from "node:https";
import { text } from "node:stream/consumers";

/** One request to a loopback server of the sandbox. */
export interface LoopbackRequest {
  readonly method?: "GET" | "POST";
  readonly port: number;
  readonly path: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string;
  /** PEM of a client certificate and its key. */
  readonly client?: { readonly cert: string; readonly key: string };
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** Sends it; resolves with any answer, rejects when there is none within five seconds. */
export function send(o: LoopbackRequest): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: "127.0.0.1",
        port: o.port,
        path: o.path,
        method: o.method ?? "GET",
        ca: o.ca,
        agent: false,
        timeout: 5000,
        ...(o.client ?? {}),
      },
      (answer) => {
        text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
      },
    );
    call.on("timeout", () => call.destroy(new Error(`no answer from 127.0.0.1:${o.port} within 5 s`)));
    call.on("error", reject);
    call.end(o.body === undefined ? undefined : JSON.stringify(o.body));
  });
}
