import { timingSafeEqual, X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as resources from "./resources.ts";
import type { RedfishSystem } from "./resources.ts";

export interface RedfishOptions {
  /** PEMs of the server's certificate and key. */
  readonly tls: { readonly certificate: string; readonly key: string };
  readonly credentials: { readonly user: string; readonly password: string };
  /** The machines, by their IDs as of now. */
  readonly systems: () => ReadonlyMap<string, RedfishSystem>;
  /** An answer in the place of the service's own, for tests and failure switches. */
  readonly instead?: (request: RedfishRequest) => RedfishAnswer | undefined;
}

interface RedfishRequest {
  readonly method: string;
  readonly path: string;
  /** ID of the machine that the path is about; empty where there is none. */
  readonly system: string;
}

export interface RedfishAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  /** The machine's ID; empty where the path has none. */
  readonly name: string;
  /** What follows the machine's path. */
  readonly rest: string;
  readonly body: string;
}

/** Stands in for BMCs; see README.md. All machines are behind one address, as on a chassis with one manager. */
export class RedfishService {
  readonly #options: RedfishOptions;
  readonly #server: Server;

  constructor(options: RedfishOptions) {
    this.#options = options;
    const { certificate: cert, key } = options.tls;
    this.#server = createServer({ cert, key }, (request, response) => void this.#serve(request, response));
  }

  /** Answers the port: the given one, or one that was free. */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen(port, "127.0.0.1", resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      send(response, await this.#answer(request));
    } catch (error) {
      send(response, refusal(500, "InternalError", error instanceof Error ? error.message : String(error)));
    }
  }

  async #answer(request: IncomingMessage): Promise<RedfishAnswer> {
    const path = new URL(request.url ?? "/", "https://bmc").pathname.replace(/(.)\/$/, "$1");
    const method = request.method ?? "GET";
    const body = await text(request);
    if (path === resources.root) return readOnly(method, path, resources.serviceRoot);
    if (!this.#knows(request.headers.authorization)) {
      const told = refusal(401, "NoValidSession", "There is no valid session established with the implementation.");
      return { ...told, headers: { "WWW-Authenticate": 'Basic realm="Redfish"' } };
    }
    const [, id = "", rest = ""] = /^\/redfish\/v1\/Systems\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    const name = decodeURIComponent(id);
    return (
      this.#options.instead?.({ method, path, system: name }) ??
      (await this.#content({ method, path, name, rest, body }))
    );
  }

  #content({ method, path, name, rest, body }: Asked): RedfishAnswer | Promise<RedfishAnswer> {
    const systems = this.#options.systems();
    if (path === `${resources.root}/Systems`) {
      return readOnly(method, path, () => resources.systemCollection([...systems.keys()]));
    }
    if (path === resources.sessionsPath) return readOnly(method, path, resources.sessionCollection);
    const system = systems.get(name);
    return system === undefined ? missing(path) : new SystemResources(name, system).answer(method, rest, body);
  }

  #knows(authorization: string | undefined): boolean {
    const { user, password } = this.#options.credentials;
    const expected = Buffer.from(`Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
    const given = Buffer.from(authorization ?? "");
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}

/** One machine's resources. */
class SystemResources {
  readonly #id: string;
  readonly #system: RedfishSystem;

  constructor(id: string, system: RedfishSystem) {
    this.#id = id;
    this.#system = system;
  }

  /** @param path below that of the machine */
  async answer(method: string, path: string, body: string): Promise<RedfishAnswer> {
    const databases = "/SecureBoot/SecureBootDatabases";
    const contents: Record<string, () => unknown> = {
      "": () => resources.computerSystem(this.#id, this.#system),
      "/SecureBoot": () => resources.secureBoot(this.#id, this.#system),
      [databases]: () => resources.databaseCollection(this.#id),
      [`${databases}/db`]: () => resources.database(this.#id),
    };
    const content = contents[path];
    if (content !== undefined) return readOnly(method, path, content);
    const ders = await this.#system.certificates();
    if (path === `${databases}/db/Certificates`) return this.#collection(method, ders, body);
    const number = Number(/^\/SecureBoot\/SecureBootDatabases\/db\/Certificates\/(\d+)$/.exec(path)?.[1]);
    const der = ders[number - 1];
    return der === undefined ? missing(resources.systemPath(this.#id) + path) : this.#member(method, number, der);
  }

  async #collection(method: string, ders: readonly Buffer[], body: string): Promise<RedfishAnswer> {
    if (method === "GET") return ok(resources.certificateCollection(this.#id, ders));
    if (method !== "POST") return notAllowed(method, "Certificates");
    const asked = askedFor(body);
    if (!("der" in asked)) return asked;
    await this.#system.add(asked.der);
    return pending;
  }

  async #member(method: string, number: number, der: Buffer): Promise<RedfishAnswer> {
    if (method === "GET") return ok(resources.certificate(this.#id, number, der));
    if (method !== "DELETE") return notAllowed(method, "Certificate");
    await this.#system.remove(der);
    return pending;
  }
}

/** The certificate of a POST, or why it isn't taken. */
function askedFor(body: string): { der: Buffer } | RedfishAnswer {
  const wrong = (what: string) => refusal(400, "PropertyValueIncorrect", what);
  try {
    const { CertificateString, CertificateType, ...more } = JSON.parse(body) as Record<string, unknown>;
    const unknown = Object.keys(more);
    if (unknown.length > 0) return refusal(400, "PropertyUnknown", `The property ${unknown.join(", ")} is not known.`);
    if (CertificateType !== "PEM") return wrong("The value of CertificateType is not in the list: PEM.");
    return { der: new X509Certificate(String(CertificateString)).raw };
  } catch {
    return wrong("CertificateString is not a certificate in PEM.");
  }
}

const ok = (body: unknown): RedfishAnswer => ({ status: 200, body });

const readOnly = (method: string, path: string, content: () => unknown): RedfishAnswer =>
  method === "GET" ? ok(content()) : notAllowed(method, path);

/** As OpenBMC answers on NVIDIA's machines: the firmware finds the task at the next boot. */
const pending: RedfishAnswer = {
  status: 202,
  body: { "@odata.type": "#Task.v1_4_3.Task", Id: "0", Name: "Task 0", TaskState: "Pending", TaskStatus: "OK" },
};

const missing = (path: string): RedfishAnswer =>
  refusal(404, "ResourceMissingAtURI", `The resource at the URI ${path} was not found. The sandbox plays db alone.`);

const notAllowed = (method: string, path: string): RedfishAnswer =>
  refusal(405, "OperationNotAllowed", `The HTTP method ${method} is not allowed on ${path}.`);

/** An error response (DMTF DSP0266). */
export function refusal(status: number, id: string, message: string): RedfishAnswer {
  const info = {
    "@odata.type": "#Message.v1_1_1.Message",
    MessageId: `Base.1.18.${id}`,
    Message: message,
    MessageSeverity: "Critical",
    Resolution: "None.",
  };
  const error = {
    code: "Base.1.18.GeneralError",
    message: "A general error has occurred. See Resolution for information on how to resolve the error.",
    "@Message.ExtendedInfo": [info],
  };
  return { status, body: { error } };
}

function send(response: ServerResponse, { status, headers, body }: RedfishAnswer): void {
  response.writeHead(status, { "OData-Version": "4.0", "Content-Type": "application/json", ...headers });
  response.end(body === undefined ? "" : `${JSON.stringify(body)}\n`);
}
