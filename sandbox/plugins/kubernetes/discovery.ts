/** Which resource a kind is: its plural name, and whether it lives in namespaces. Asked from the API server. */
import { isNotFound } from "../../kube/error.ts";
import { isObject, type PropertyMap } from "../core/values.ts";
import type { Connection } from "./connection.ts";
import { apiVersionOf, kindOf, nameOf, namespaceOf } from "./objects.ts";

/** A kind's place in the API. */
export interface ApiResource {
  plural: string;
  namespaced: boolean;
}

/** The API server doesn't know the kind: mostly a CustomResourceDefinition that isn't installed. */
export class NoMatchError extends Error {}

/** Answers for one cluster; what was found once is remembered. */
export class Discovery {
  readonly #connection: Connection;
  readonly #groups = new Map<string, Promise<Map<string, ApiResource>>>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The resource of a kind, or nothing when the API server doesn't have it (now). */
  async find(apiVersion: string, kind: string): Promise<ApiResource | undefined> {
    const known = (await this.#kindsOf(apiVersion)).get(kind);
    // A definition may be installed while the plugin runs: only what was found is remembered.
    if (known === undefined) this.#groups.delete(apiVersion);
    return known;
  }

  /** Like {@link find}, for a kind that must exist. */
  async resolve(object: PropertyMap): Promise<ApiResource> {
    const [apiVersion, kind] = [apiVersionOf(object), kindOf(object)];
    const resource = await this.find(apiVersion, kind);
    if (resource !== undefined) return resource;
    throw new NoMatchError(`no matches for kind "${kind}" in version "${apiVersion}"`);
  }

  /** The path of an object, or with `name` empty of its collection. */
  async path(object: PropertyMap, name = nameOf(object)): Promise<string> {
    const { plural, namespaced } = await this.resolve(object);
    const namespace = namespaceOf(object);
    return [
      root(apiVersionOf(object)),
      ...(namespaced && namespace !== "" ? ["namespaces", namespace] : []),
      plural,
      ...(name === "" ? [] : [name]),
    ].join("/");
  }

  #kindsOf(apiVersion: string): Promise<Map<string, ApiResource>> {
    const known = this.#groups.get(apiVersion);
    if (known !== undefined) return known;
    const asked = this.#ask(apiVersion);
    this.#groups.set(apiVersion, asked);
    asked.catch(() => this.#groups.delete(apiVersion));
    return asked;
  }

  async #ask(apiVersion: string): Promise<Map<string, ApiResource>> {
    const kinds = new Map<string, ApiResource>();
    const list = await this.#connection.send({ method: "GET", path: root(apiVersion) }).catch((error: unknown) => {
      if (isNotFound(error)) return { resources: [] };
      throw error;
    });
    for (const resource of (list.resources ?? []) as PropertyMap[]) {
      const { name, kind, namespaced } = resource;
      // Subresources (`pods/status`) have the kind of what they return.
      if (isObject(resource) && typeof name === "string" && typeof kind === "string" && !name.includes("/")) {
        kinds.set(kind, { plural: name, namespaced: namespaced === true });
      }
    }
    return kinds;
  }
}

function root(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
