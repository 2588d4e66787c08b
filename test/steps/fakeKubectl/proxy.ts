/** `kubectl proxy` of the stand-in: questions as paths, answered from the same objects, until who asked for it hangs up. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { answer, willFail } from "./kubectl.ts";
import type { Store } from "./store.ts";

const root = /^\/(?:api\/v1|apis\/(?<group>[^/]+)\/(?<version>[^/]+))/;
const rest = /^(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?$/;

/** The version that every group of the stand-in has its kinds in; a group may prefer another one. */
const served = "v1";

/** @param args what kubectl was called with */
export function serveProxy(socket: Socket, store: Store, args: readonly string[], called: () => void): void {
  const option = "--unix-socket=";
  const path = args.find((each) => each.startsWith(option))?.slice(option.length);
  const connection = args.slice(0, 4);
  const server = createServer((request, response) => {
    respond(store, connection, request, response);
    called();
  });
  socket.on("close", () => server.close().closeAllConnections());
  server.listen(path, () => socket.write(`0 long\nStarting to serve on ${path}\n`));
}

function respond(
  store: Store,
  connection: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const end = (status: number, body: string) => response.writeHead(status).end(body);
  const isBare = request.headers.accept?.includes("PartialObjectMetadata") === true;
  const question = questionIn(request.url ?? "", isBare ? "name" : "json");
  const args = [...connection, ...(question?.args ?? [])];
  if (store.held.some((part) => args.join(" ").includes(part))) return;
  if (question === undefined) end(404, "404 page not found");
  // The real one passes on what the API server says; here kubectl is asked again, and tells what the test wants told.
  else if (willFail(store, args)) end(500, "a fault");
  else {
    const { code, text } = answer(store, args, Buffer.alloc(0), true);
    if (code !== 0) end(500, text);
    else if (text === "") end(404, JSON.stringify({ reason: "NotFound", details: { name: question.name } }));
    else end(200, isBare ? "{}" : text);
  }
}

/** A path as the arguments that ask for the same; undefined for a version that doesn't have the kind. */
function questionIn(url: string, output: "json" | "name"): { args: string[]; name: string } | undefined {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  if (pathname === "/apis") return { args: ["get", "--raw", pathname], name: "" };
  const { group, version = served } = root.exec(pathname)?.groups ?? {};
  if (version !== served) return undefined;
  const { namespace, plural, name } = rest.exec(pathname.replace(root, ""))?.groups ?? {};
  const kind = group === undefined ? String(plural) : `${plural}.${group}`;
  const where = namespace === undefined ? [] : ["-n", decodeURIComponent(namespace)];
  if (name !== undefined) {
    const one = decodeURIComponent(name);
    return { args: ["get", kind, one, ...where, "-o", output, "--ignore-not-found"], name: one };
  }
  const all = where.length === 0 ? ["-A"] : where;
  return { args: ["get", kind, ...all, ...selectorIn(searchParams), "-o", output], name: "" };
}

function selectorIn(query: URLSearchParams): string[] {
  const selector = query.get("labelSelector");
  return selector === null ? [] : ["-l", selector];
}
