/** Requests to the API server, with dry run, server-side apply and JSON just as it comes. */
import { Agent, request, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";
import { errorFromAnswer } from "../../kube/error.ts";
import type { PropertyMap } from "../core/values.ts";

/** One request. */
export interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string | undefined>;
  body?: PropertyMap | PropertyMap[];
  contentType?: string;
  signal?: AbortSignal;
}

/** Sends requests to one cluster. */
export interface Connection {
  /** The decoded answer. Throws `KubeError` for an answer other than 2xx, {@link UnreachableError} for none. */
  send(call: Call): Promise<PropertyMap>;
}

/** The API server could not be talked to; the message is worded as Go's network library does. */
class UnreachableError extends Error {}

/** Milliseconds for one answer, as the real provider's discovery has them. */
const TIMEOUT = 32_000;

/** A connection to the current cluster of a kubeconfig. */
export async function connect(config: KubeConfig): Promise<Connection> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, servername, rejectUnauthorized, headers } = options;
  const agent = new Agent({ keepAlive: true, ca, cert, key, servername, rejectUnauthorized });
  const server = config.getCurrentCluster()?.server ?? "";
  return {
    send: async (call) => {
      const url = urlOf(server, call);
      const answer = await exchange(url, call, { agent, headers: headers ?? {} });
      const body = await text(answer);
      const status = answer.statusCode ?? 0;
      if (status < 200 || status > 299) throw errorFromAnswer(status, body);
      return JSON.parse(body) as PropertyMap;
    },
  };
}

function urlOf(server: string, call: Call): URL {
  const base = server.endsWith("/") ? server.slice(0, -1) : server;
  const url = new URL(base + call.path);
  for (const [key, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(key, value);
  }
  return url;
}

async function exchange(url: URL, call: Call, options: RequestOptions): Promise<IncomingMessage> {
  const payload = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
  const headers = {
    ...(options.headers as Record<string, string>),
    Accept: "application/json",
    ...(payload && { "Content-Type": call.contentType ?? "application/json", "Content-Length": payload.length }),
  };
  return await new Promise((resolve, reject) => {
    const { agent } = options;
    const outgoing = request(
      url,
      { agent, headers, method: call.method, timeout: TIMEOUT, ...(call.signal && { signal: call.signal }) },
      resolve,
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error("context deadline exceeded")));
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      reject(call.signal?.aborted === true ? new Error("context canceled") : unreachable(url, call.method, error));
    });
    outgoing.end(payload);
  });
}

/** Node's network error in the words that users of the real provider know (and search for). */
function unreachable(url: URL, method: string, error: NodeJS.ErrnoException): UnreachableError {
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  const words: Record<string, string> = {
    ECONNREFUSED: `dial tcp ${url.host}: connect: connection refused`,
    ETIMEDOUT: `dial tcp ${url.host}: i/o timeout`,
    EHOSTUNREACH: `dial tcp ${url.host}: connect: no route to host`,
    ENOTFOUND: `dial tcp: lookup ${url.hostname}: no such host`,
    ECONNRESET: "read: connection reset by peer",
  };
  const code = error.code ?? "";
  const certificate = /CERT|SIGNATURE|ALTNAME|ISSUER|SIGNED/.test(code);
  const reason = certificate
    ? `tls: failed to verify certificate: x509: ${error.message}`
    : (words[code] ?? error.message);
  return new UnreachableError(`${verb} "${url.origin}${url.pathname}": ${reason}`, { cause: error });
}
