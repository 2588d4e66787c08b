import { KubeConfig } from "@kubernetes/client-node";
import { Agent, request, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { errorFromAnswer, isConflict, isObjectMissing } from "./error.ts";
import { apiVersionOf, type KubeObject, type Resource } from "./objects.ts";

/** What narrows a list or a watch. */
export interface Scope {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** Which object: `namespace` for namespaced resources only. */
export interface Target {
  name: string;
  namespace?: string | undefined;
}

/** The patch types, by their media types. `apply` is server-side apply. */
const PATCH_TYPES = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
  strategic: "application/strategic-merge-patch+json",
} as const;

/** Options of {@link Kube.patch}. */
export interface PatchOptions {
  type?: keyof typeof PATCH_TYPES;
  subresource?: string;
  fieldManager?: string;
}

interface Call {
  method: string;
  path: string;
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
}

/** The list that the server answers. */
export interface KubeList<T> {
  metadata: { resourceVersion: string };
  items: T[];
}

/** How long an ordinary request may stay without an answer. Watches have their own limit. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * A client for one cluster. Methods throw {@link KubeError} for an answer other than 2xx and Node's own network errors
 * when the server can't be reached; nothing is retried here.
 */
export class Kube {
  readonly #server: URL;
  readonly #options: RequestOptions;
  readonly #agent: Agent;

  private constructor(server: URL, options: RequestOptions, agent: Agent) {
    this.#server = server;
    this.#options = options;
    this.#agent = agent;
  }

  /** Reads the kubeconfig's current context, or the named one. */
  static async fromKubeconfig(file: string, context?: string): Promise<Kube> {
    const config = new KubeConfig();
    config.loadFromFile(file);
    if (context !== undefined) config.setCurrentContext(context);
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error(`kubeconfig ${file}: no cluster in its current context`);
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, servername, rejectUnauthorized } = options;
    const agent = new Agent({ keepAlive: true, ca, cert, key, servername, rejectUnauthorized });
    return new Kube(new URL(cluster.server), { headers: options.headers ?? {} }, agent);
  }

  /** The same cluster with another bearer token, for acting as the caller of a request. */
  withToken(authorization: string): Kube {
    return new Kube(this.#server, { headers: { Authorization: authorization } }, this.#agent);
  }

  /** Closes idle connections; running requests end by themselves. */
  close(): void {
    this.#agent.destroy();
  }

  async get<T extends KubeObject>(resource: Resource<T>, target: Target): Promise<T> {
    return (await this.#json({ method: "GET", path: pathOf(resource, target) })) as T;
  }

  /** Like `get`, but undefined for an object that isn't there. */
  async find<T extends KubeObject>(resource: Resource<T>, target: Target): Promise<T | undefined> {
    return this.get(resource, target).catch(unlessMissing);
  }

  async list<T extends KubeObject>(resource: Resource<T>, scope: Scope = {}): Promise<KubeList<T>> {
    const { namespace, ...query } = scope;
    return (await this.#json({ method: "GET", path: pathOf(resource, { namespace }), query })) as KubeList<T>;
  }

  /** Creates the object; `apiVersion` and `kind` are filled in. */
  async create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
    return (await this.#json({
      method: "POST",
      path: pathOf(resource, { namespace: object.metadata.namespace }),
      body,
    })) as T;
  }

  /** PUT: with the `metadata.resourceVersion` read before, a change in between is a Conflict. */
  async replace<T extends KubeObject>(resource: Resource<T>, object: T, subresource?: string): Promise<T> {
    const { name = "", namespace } = object.metadata;
    const path = pathOf(resource, { name, namespace }, subresource);
    const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
    return (await this.#json({ method: "PUT", path, body })) as T;
  }

  /** Reads the object, changes it and writes it, again if somebody else wrote in between. */
  async change<T extends KubeObject>(
    resource: Resource<T>,
    target: Target,
    by: (object: T) => T,
    subresource?: string,
  ): Promise<T> {
    for (;;) {
      try {
        return await this.replace(resource, by(await this.get(resource, target)), subresource);
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  /** A merge patch unless `type` says otherwise. */
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    target: Target,
    body: unknown,
    options: PatchOptions = {},
  ): Promise<T> {
    const { type = "merge", subresource, fieldManager } = options;
    const path = pathOf(resource, target, subresource);
    const query = type === "apply" ? { fieldManager: fieldManager ?? "sandbox", force: "true" } : { fieldManager };
    return (await this.#json({ method: "PATCH", path, query, body, contentType: PATCH_TYPES[type] })) as T;
  }

  /** A merge patch of the status subresource. */
  async patchStatus<T extends KubeObject>(resource: Resource<T>, target: Target, status: unknown): Promise<T> {
    return this.patch(resource, target, { status }, { subresource: "status" });
  }

  /** Server-side apply of a whole object: creates it or takes over its fields. */
  async apply<T extends KubeObject>(resource: Resource<T>, object: T, fieldManager = "sandbox"): Promise<T> {
    const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
    const { name = "", namespace } = object.metadata;
    return this.patch(resource, { name, namespace }, body, { type: "apply", fieldManager });
  }

  /** Deletes in the background; an object that isn't there is fine. Options are those of `DeleteOptions`. */
  async delete(resource: Resource, target: Target, options: Record<string, unknown> = {}): Promise<void> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", ...options };
    await this.#json({ method: "DELETE", path: pathOf(resource, target), body }).catch(unlessMissing);
  }

  /** Any other path, for discovery and subresources: the decoded JSON answer. */
  async raw(method: string, path: string, body?: unknown): Promise<unknown> {
    return this.#json({ method, path, ...(body === undefined ? {} : { body }) });
  }

  /** Starts a GET whose body the caller reads as it comes (watches, logs). Ends when `signal` aborts. */
  async stream(path: string, query: Record<string, string | undefined>, signal: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#send({ method: "GET", path, query }, { signal });
    if (answer.statusCode !== 200) throw errorFromAnswer(answer.statusCode ?? 0, await text(answer));
    return answer;
  }

  async #json(call: Call): Promise<unknown> {
    const answer = await this.#send(call, { timeout: REQUEST_TIMEOUT_MS });
    const body = await text(answer);
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw errorFromAnswer(status, body);
    return body === "" ? undefined : JSON.parse(body);
  }

  async #send(call: Call, limits: { signal?: AbortSignal; timeout?: number }): Promise<IncomingMessage> {
    const url = new URL(call.path, this.#server);
    for (const [key, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, value);
    }
    const payload = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers: Record<string, string | number> = { ...(this.#options.headers as Record<string, string>) };
    headers["Accept"] = "application/json";
    if (payload !== undefined) {
      headers["Content-Type"] = call.contentType ?? "application/json";
      headers["Content-Length"] = payload.length;
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(url, { method: call.method, headers, agent: this.#agent, ...limits }, resolve);
      outgoing.on("error", reject);
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer to ${call.method} ${call.path} in time`)));
      outgoing.end(payload);
    });
  }
}

/** For `.catch`: undefined for an object that isn't there, anything else is thrown again. */
function unlessMissing(error: unknown): undefined {
  if (isObjectMissing(error)) return undefined;
  throw error;
}

/** The REST path of an object, or of the collection when `name` is absent. */
export function pathOf(resource: Resource, target: Partial<Target>, subresource?: string): string {
  const prefix = resource.group === "" ? "/api/v1" : `/apis/${resource.group}/${resource.version}`;
  const namespace =
    resource.namespaced && target.namespace !== undefined ? `/namespaces/${encodeURIComponent(target.namespace)}` : "";
  const name = target.name === undefined ? "" : `/${encodeURIComponent(target.name)}`;
  return `${prefix}${namespace}/${resource.plural}${name}${subresource === undefined ? "" : `/${subresource}`}`;
}
