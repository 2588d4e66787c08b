import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Kube, pathOf, type Scope } from "./client.ts";
import { errorFromAnswer, isGone, KubeError, type Status } from "./error.ts";
import { keyOf, type KubeObject, type Resource } from "./objects.ts";

/** What an informer tells. `old` is absent for an object not known before. */
export interface Handlers<T> {
  changed?: (object: T, old: T | undefined) => void;
  deleted?: (object: T) => void;
}

interface WatchEvent<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T;
}

/** The server is asked to end a watch after this time, so that a half-dead connection can't last. */
const WATCH_SECONDS = 240;
/** First and longest pause before the next try while the server is away. */
const RETRY_MS = { first: 50, most: 1000 };

/**
 * A local copy of a set of objects, kept up to date by list and watch. It goes on by itself after the API server was
 * away and lists again when its resourceVersion has expired; handlers then get the differences only.
 */
export class Informer<T extends KubeObject> {
  readonly #kube: Kube;
  readonly #resource: Resource<T>;
  readonly #scope: Scope;
  readonly #handlers: Handlers<T>;
  readonly #items = new Map<string, T>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #synced = Promise.withResolvers<undefined>();

  constructor(kube: Kube, resource: Resource<T>, handlers: Handlers<T> = {}, scope: Scope = {}) {
    this.#kube = kube;
    this.#resource = resource;
    this.#scope = scope;
    this.#handlers = handlers;
    this.#running = this.#run();
  }

  /** Resolves after the first complete list (also when stopped before it). */
  async synced(): Promise<void> {
    await this.#synced.promise;
  }

  /** The object with this key (see `keyOf`) as last seen. Treat it as read-only. */
  get(key: string): T | undefined {
    return this.#items.get(key);
  }

  /** All objects as last seen. */
  list(): T[] {
    return [...this.#items.values()];
  }

  /** Ends the watch; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let version: string | undefined;
    let pause = RETRY_MS.first;
    while (!this.#stopping.signal.aborted) {
      try {
        version ??= await this.#relist();
        pause = RETRY_MS.first;
        version = await this.#watch(version);
      } catch (error) {
        // A watch that broke off is resumed where it was; one that the server refuses starts over with a list.
        if (error instanceof KubeError) version = undefined;
        if (!isGone(error)) await this.#rest(pause);
        pause = Math.min(pause * 2, RETRY_MS.most);
      }
    }
    this.#synced.resolve(undefined);
  }

  async #rest(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #relist(): Promise<string> {
    const list = await this.#kube.list(this.#resource, this.#scope);
    if (this.#stopping.signal.aborted) return list.metadata.resourceVersion;
    const present = new Set(list.items.map(keyOf));
    for (const [key, item] of [...this.#items]) if (!present.has(key)) this.#remove(item);
    for (const item of list.items) this.#store(item);
    this.#synced.resolve(undefined);
    return list.metadata.resourceVersion;
  }

  /** Follows one watch to its end; answers the version to go on from. */
  async #watch(since: string): Promise<string> {
    const { namespace, ...selectors } = this.#scope;
    const query = {
      ...selectors,
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: since,
      timeoutSeconds: String(WATCH_SECONDS),
    };
    const path = pathOf(this.#resource, { ...(namespace === undefined ? {} : { namespace }) });
    let version = since;
    const body = await this.#kube.stream(path, query, this.#stopping.signal);
    for await (const line of linesOf(body)) {
      if (this.#stopping.signal.aborted) break;
      const event = JSON.parse(line) as WatchEvent<T>;
      this.#take(event);
      version = event.object.metadata.resourceVersion ?? version;
    }
    return version;
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === "ERROR") {
      const status = event.object as unknown as Status;
      throw errorFromAnswer(status.code ?? 500, JSON.stringify(status));
    }
    if (event.type === "DELETED") this.#remove(event.object);
    else if (event.type !== "BOOKMARK") this.#store(event.object);
  }

  #store(object: T): void {
    const key = keyOf(object);
    const old = this.#items.get(key);
    if (old?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (old !== undefined && old.metadata.uid !== object.metadata.uid) this.#remove(old);
    this.#items.set(key, object);
    this.#handlers.changed?.(object, old?.metadata.uid === object.metadata.uid ? old : undefined);
  }

  #remove(object: T): void {
    this.#items.delete(keyOf(object));
    this.#handlers.deleted?.(object);
  }
}

/** The body's lines. Unlike `node:readline` it throws when the connection is cut, instead of waiting forever. */
async function* linesOf(body: IncomingMessage): AsyncGenerator<string> {
  body.setEncoding("utf8");
  let rest = "";
  for await (const chunk of body as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
