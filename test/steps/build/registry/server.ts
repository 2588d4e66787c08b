/** A small registry over TLS on loopback, which answers as a test says. */
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { loopbackCertificate } from "@onload-kmm/sandbox/kmm/admission/certificate";

export const certificate = await loopbackCertificate();

/** `base`: the server's own address. */
export type Handler = (request: IncomingMessage, response: ServerResponse, base: string) => void;

/** Starts it, and answers its host and port; it ends with the test. */
export async function startServer(
  context: Pick<TestContext, "after">,
  handler: Handler,
  { tls = true } = {},
): Promise<string> {
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    handler(request, response, `https://${host()}`);
  const server = tls ? createServer({ ...certificate }, listener) : createPlainServer(listener);
  const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return host();
}

export const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

export function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body = "",
): void {
  response.writeHead(status, headers).end(body);
}

/** The answer to a request for a manifest that is there. */
export const manifest = (response: ServerResponse, digit = "1"): void =>
  answer(response, 200, { "docker-content-digest": digest(digit) });
