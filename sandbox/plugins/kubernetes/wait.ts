/** Waiting for an object: until it is what `pulumi.com/waitFor` asks, or until it is gone. */
import { setTimeout as sleep } from "node:timers/promises";
import { isNotFound, KubeError } from "../../kube/error.ts";
import type { Operation } from "../core/provider.ts";
import { type PropertyMap, textOf } from "../core/values.ts";
import { get } from "./apply.ts";
import type { Cluster } from "./cluster.ts";
import { type Condition, parseWaitFor } from "./conditions.ts";
import { annotation, ANNOTATIONS, mapAt } from "./objects.ts";

/** Seconds that a wait may take when neither `customTimeouts` nor an annotation says otherwise. */
const DEFAULT_TIMEOUT = 600;

/** Milliseconds between looks: short at first, for what is quick, then longer. */
const FIRST_LOOK = 50;
const LONGEST_PAUSE = 1000;

/** A wait that ended without its aim; `live` is the object as last seen. */
export class AwaitError extends Error {
  readonly live: PropertyMap;

  constructor(message: string, live: PropertyMap) {
    super(message);
    this.live = live;
  }
}

/** How a wait for readiness ended. */
export interface ReadyOutcome {
  live: PropertyMap;
  failure?: string;
}

/** Waits for the conditions that the object's annotations name; without any the object is ready at once. */
export async function awaitReady(
  cluster: Cluster,
  operation: Operation,
  inputs: PropertyMap,
  created: PropertyMap,
): Promise<ReadyOutcome> {
  const waitFor = annotation(inputs, ANNOTATIONS.waitFor);
  if (waitFor === "" || annotation(inputs, ANNOTATIONS.skipAwait) === "true") return { live: created };
  try {
    const conditions = parseWaitFor(waitFor);
    return { live: await poll(cluster, deadline(operation, inputs), created, meets(conditions, operation)) };
  } catch (error) {
    if (error instanceof AwaitError) return { live: error.live, failure: error.message };
    return { live: created, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** Says what is still missing in the engine's display. */
function meets(conditions: Condition[], operation: Operation): (live: PropertyMap) => boolean {
  let said = "";
  return (live) => {
    const missing = conditions.find((condition) => !condition.met(live));
    const message = missing === undefined ? "" : `Waiting for ${missing.text}`;
    if (message !== said) void operation.log.status("info", message, operation.urn);
    said = message;
    return missing === undefined;
  };
}

/** Waits until the object is gone. Throws {@link AwaitError} when the time is up or the engine cancels. */
export async function awaitDeletion(
  cluster: Cluster,
  operation: Operation,
  inputs: PropertyMap,
  live: PropertyMap,
): Promise<void> {
  let last = live;
  try {
    await informed(cluster, operation, live);
    const never = (seen: PropertyMap): boolean => {
      last = seen;
      return mapAt(seen, "metadata").uid !== mapAt(live, "metadata").uid;
    };
    await poll(cluster, deadline(operation, inputs), live, never);
  } catch (error) {
    if (isNotFound(error)) return;
    const finalizers = mapAt(last, "metadata").finalizers;
    if (error instanceof AwaitError && Array.isArray(finalizers)) {
      const message = `finalizers might be preventing deletion (${finalizers.map(textOf).join(", ")})`;
      await operation.log.line("warning", message, operation.urn);
    }
    throw error;
  }
}

/**
 * The real provider hears of a deletion by an informer of all objects of the kind in that place. Its wait stands still until
 * that has listed them once, its time limit, too: for ever where the user may not list.
 */
async function informed(cluster: Cluster, { signal }: Operation, live: PropertyMap): Promise<void> {
  const path = await cluster.discovery.path(live, "");
  for (;;) {
    try {
      await cluster.connection.send({ method: "GET", path, query: { limit: "500", resourceVersion: "0" } });
      break;
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 403) return;
      await sleep(LONGEST_PAUSE, undefined, { signal }).catch(() => {
        throw new AwaitError("context canceled", live);
      });
    }
  }
  // What it tells is looked for below; one that is refused only makes the real one list again and again.
  cluster.connection
    .send({ method: "GET", path, query: { watch: "true", timeoutSeconds: "1" } })
    .catch(() => undefined);
}

interface Deadline {
  /** Milliseconds since the epoch. */
  at: number;
  signal: AbortSignal;
}

function deadline(operation: Operation, inputs: PropertyMap): Deadline {
  const annotated = Number.parseInt(annotation(inputs, ANNOTATIONS.timeoutSeconds), 10);
  const seconds = operation.timeout || (Number.isNaN(annotated) ? DEFAULT_TIMEOUT : annotated);
  return { at: Date.now() + seconds * 1000, signal: operation.signal };
}

/** Looks at the object until `done`; the API server's own errors (a 404 above all) are thrown as they are. */
async function poll(
  cluster: Cluster,
  { at, signal }: Deadline,
  object: PropertyMap,
  done: (live: PropertyMap) => boolean,
): Promise<PropertyMap> {
  let live = object;
  for (let pause = FIRST_LOOK; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    live = await get(cluster, object);
    if (done(live)) return live;
    if (Date.now() + pause > at) throw new AwaitError("timed out waiting for the condition", live);
    await sleep(pause, undefined, { signal }).catch(() => {
      throw new AwaitError("context canceled", live);
    });
  }
}
