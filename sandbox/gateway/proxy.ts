import { request as httpsRequest } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";

/** The API server behind the gateway. */
export interface Upstream {
  url: URL;
  /** Its certificate authority, PEM. */
  ca: Buffer;
}

/**
 * Passes one request on as it is, body and answer as streams, so that watches and logs flow. When the API server is
 * away the caller's connection is closed, as a load balancer in TCP mode does.
 */
export function forward(upstream: Upstream, request: IncomingMessage, response: ServerResponse): void {
  const { url, ca } = upstream;
  const outgoing = httpsRequest({
    host: url.hostname,
    port: url.port,
    ca,
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: request.headers,
  });
  outgoing.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    // A watch's first event can be minutes away; its caller waits for the header.
    response.flushHeaders();
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  outgoing.on("error", () => request.socket.destroy());
  response.on("close", () => outgoing.destroy());
  request.pipe(outgoing);
}

/** Passes a connection upgrade (exec, port-forward) on: the request's head, then raw bytes both ways. */
export function forwardUpgrade(upstream: Upstream, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { url, ca } = upstream;
  const server = connect({ host: url.hostname, port: Number(url.port), ca });
  const lines = [`${request.method ?? "GET"} ${request.url ?? "/"} HTTP/1.1`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    lines.push(`${request.rawHeaders[i] ?? ""}: ${request.rawHeaders[i + 1] ?? ""}`);
  }
  server.write(`${lines.join("\r\n")}\r\n\r\n`);
  server.write(head);
  server.pipe(socket).pipe(server);
  server.on("error", () => socket.destroy());
  socket.on("error", () => server.destroy());
}
