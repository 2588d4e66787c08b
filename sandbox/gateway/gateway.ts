import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Kube } from "../kube.ts";
import { Switches } from "../switches.ts";
import { answerError, type Exchange } from "./answer.ts";
import { buildLog } from "./buildLog.ts";
import { deleteImageStreamTag } from "./deleteImageStreamTag.ts";
import { instantiateBinary } from "./instantiateBinary.ts";
import { forward, forwardUpgrade, type Upstream } from "./proxy.ts";

/** What the gateway needs. Files are PEM. */
export interface GatewayOptions {
  /** Port on 127.0.0.1. */
  listenPort: number;
  /** kube-apiserver, and the authority that signed its certificate. */
  upstream: { url: string; caFile: string };
  /** The certificate that the gateway itself shows. */
  tls: { certFile: string; keyFile: string };
  stateDir: string;
  /** Straight at kube-apiserver; for what OpenShift's API server does on its own account. */
  adminKubeconfig: string;
  /** Whether an API server is there to answer; while none is, connections are refused. Default: always. */
  serves?: () => boolean;
}

/** Something that runs until it is stopped. */
export interface Running {
  stop(): Promise<void>;
}

type Handler = (kube: Kube, stateDir: string, exchange: Exchange) => Promise<void>;

/** What the gateway serves itself. */
const ROUTES: { method: string; path: RegExp; handler: Handler }[] = [
  {
    method: "POST",
    path: /^\/apis\/build\.openshift\.io\/v1\/namespaces\/([^/]+)\/buildconfigs\/([^/]+)\/instantiatebinary$/,
    handler: instantiateBinary,
  },
  {
    method: "GET",
    path: /^\/apis\/build\.openshift\.io\/v1\/namespaces\/([^/]+)\/builds\/([^/]+)\/log$/,
    handler: buildLog,
  },
  {
    method: "DELETE",
    path: /^\/apis\/image\.openshift\.io\/v1\/namespaces\/([^/]+)\/imagestreamtags\/([^/]+)$/,
    handler: deleteImageStreamTag,
  },
];

/**
 * Starts the gateway. It stands in for OpenShift's aggregated API server, of which it has two subresources and one resource, and for
 * the load balancer in front of the API servers: everything else passes through unread. Callers are identified by bearer
 * token only; a client certificate would end here.
 */
export async function startGateway(options: GatewayOptions): Promise<Running> {
  const upstream = { url: new URL(options.upstream.url), ca: await readFile(options.upstream.caFile) };
  const kube = await Kube.fromKubeconfig(options.adminKubeconfig);
  const server = createServer({ cert: await readFile(options.tls.certFile), key: await readFile(options.tls.keyFile) });
  // Watches and uploads last as long as they last.
  server.requestTimeout = 0;
  // As kube-apiserver (its IdleTimeout). Node's own 5 s end connections that a client is just about to use again.
  server.keepAliveTimeout = 90_000;
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    void handle(upstream, kube, options.stateDir, { request, response });
  });
  server.on("upgrade", (request, socket, head) => forwardUpgrade(upstream, request, socket, head));
  const sockets = trackSockets(server);
  const switches = new Switches(kube, { follower: "gateway", stateDir: options.stateDir });
  cutBySwitch(server, sockets, switches);
  await listen(server, options.listenPort);
  const watching = closeWithout(options.serves ?? (() => true), options.listenPort, server, sockets);
  return {
    async stop() {
      clearInterval(watching);
      await switches.stop();
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      kube.close();
    },
  };
}

async function handle(
  upstream: Upstream,
  kube: Kube,
  stateDir: string,
  { request, response }: Pick<Exchange, "request" | "response">,
): Promise<void> {
  const url = new URL(request.url ?? "/", upstream.url);
  for (const { method, path, handler } of ROUTES) {
    const match = request.method === method ? path.exec(url.pathname) : null;
    if (match === null) continue;
    const exchange = { request, response, url, namespace: part(match[1]), name: part(match[2]) };
    await handler(kube, stateDir, exchange).catch((error: unknown) => answerError(response, error));
    return;
  }
  forward(upstream, request, response);
}

const part = (text: string | undefined): string => decodeURIComponent(text ?? "");

function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A caller that hangs up in mid-answer is no error of ours.
    socket.on("error", () => socket.destroy());
  });
  return sockets;
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

/** Cuts connections as the switch `gateway.cut` says: at an age in seconds, with 0 at once. */
function cutBySwitch(server: Server, sockets: Set<Socket>, switches: Switches): void {
  const schedule = (socket: Socket): void => {
    const seconds = switches.seconds("gateway.cut", undefined);
    if (seconds === undefined) return;
    const timer = setTimeout(() => {
      if (switches.get("gateway.cut") !== undefined) socket.destroy();
    }, seconds * 1000);
    socket.once("close", () => clearTimeout(timer));
  };
  server.on("connection", schedule);
  switches.onChange(() => sockets.forEach(schedule));
}

/** How often to check whether an API server is there. */
const LOOK_MS = 100;

/** Refuses new connections and ends existing ones while no API server is there: a single node's is away while it boots. */
function closeWithout(serves: () => boolean, port: number, server: Server, sockets: Set<Socket>): NodeJS.Timeout {
  return setInterval(() => {
    if (serves() === server.listening) return;
    if (serves()) return server.listen(port, "127.0.0.1");
    server.close();
    for (const socket of sockets) socket.destroy();
  }, LOOK_MS);
}
