/** Create, read, update and delete of one object, as the real provider goes about them. */
import { setTimeout as sleep } from "node:timers/promises";
import { isNotFound, KubeError } from "../../kube/error.ts";
import { InitializationError, type Operation, type ResourceState } from "../core/provider.ts";
import { mapValues, type PropertyMap } from "../core/values.ts";
import { adoptFields, apply, create, get, mustForce, relinquish, type WriteOptions } from "./apply.ts";
import { type Checkpoint, toOutputs } from "./checkpoint.ts";
import { type Cluster, wordsOf } from "./cluster.ts";
import { NoMatchError } from "./discovery.ts";
import type { Kind } from "./kinds.ts";
import { annotation, ANNOTATIONS, apiVersionOf, idOf, nameOf, withMetadata } from "./objects.ts";
import { awaitDeletion, awaitReady, AwaitError } from "./wait.ts";

/** One write: the inputs as stored (with secret envelopes) and as sent (without), and how to write them. */
export interface Write {
  kind: Kind;
  cluster: Cluster;
  operation: Operation;
  marked: PropertyMap;
  inputs: PropertyMap;
  fieldManager: string;
}

/** Attempts at a create whose namespace or definition isn't there yet, and the first pause between them, ms. */
const ATTEMPTS = 6;
const FIRST_PAUSE = 1000;

/** Creates the object and waits until it is ready; in preview, what the server says that it would become. */
export async function createObject(write: Write): Promise<ResourceState> {
  const { operation, inputs } = write;
  let live: PropertyMap;
  try {
    live = await submit(write);
  } catch (error) {
    if (operation.preview && canSkipPreview(error)) return { id: "", outputs: write.marked };
    throw creationError(operation, error);
  }
  if (operation.preview) {
    const spec = mapValues(live, (value, key) => (key === "status" ? undefined : value));
    return { id: "", outputs: outputsOf(write, spec, apiVersionOf(inputs)) };
  }
  const outcome = await awaitReady(write.cluster, operation, inputs, live);
  const state = { id: idOf(live), outputs: outputsOf(write, outcome.live, apiVersionOf(inputs)) };
  if (outcome.failure === undefined) return state;
  throw new InitializationError(
    `resource ${JSON.stringify(operation.urn)} was successfully created, but the Kubernetes API server ` +
      `reported that it failed to fully initialize or become live: ${outcome.failure}`,
    state,
    [outcome.failure],
  );
}

function outputsOf(write: Write, live: PropertyMap, initialApiVersion: string): PropertyMap {
  const { inputs, fieldManager } = write;
  return toOutputs({ inputs, live, initialApiVersion, fieldManager }, write.marked);
}

/** Errors that a preview may hide: the real `up` will have made a namespace or removed an object until then. */
function canSkipPreview(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  return error.status === 403 || error.reason === "AlreadyExists" || isNotFound(error);
}

async function submit(write: Write): Promise<PropertyMap> {
  const { operation, cluster, kind, inputs, fieldManager } = write;
  const options: WriteOptions = {
    fieldManager,
    dryRun: operation.preview,
    force: mustForce(inputs, undefined, operation.preview),
    signal: operation.signal,
  };
  const upsert = cluster.upsert || kind.patch;
  for (let attempt = 1, pause = FIRST_PAUSE; ; attempt++, pause *= 2) {
    try {
      return upsert ? await applyOrRename(write, options) : await create(cluster, inputs, options);
    } catch (error) {
      const retry = !operation.preview && (isNotFound(error) || error instanceof NoMatchError);
      if (!retry || attempt === ATTEMPTS) throw error;
      await operation.log.status("info", `Retry #${attempt - 1}; creation failed: ${wordsOf(error)}`, operation.urn);
      await sleep(pause, undefined, { signal: operation.signal }).catch(() => {
        throw new Error("context canceled");
      });
    }
  }
}

/** A preview of a replacement meets the old object, whose fields may be immutable: then it asks with another name. */
async function applyOrRename(write: Write, options: WriteOptions): Promise<PropertyMap> {
  const { operation, cluster, inputs } = write;
  try {
    return await apply(cluster, inputs, options);
  } catch (error) {
    const immutable =
      error instanceof KubeError && error.status === 422 && error.message.includes("field is immutable");
    if (!operation.preview || !immutable) throw error;
    const name = `${nameOf(inputs)}preview`;
    const message = `Preview creation failed due to immutable fields; retrying with name "${name}"`;
    await operation.log.line("info", message, operation.urn);
    return await apply(cluster, withMetadata(inputs, { name }), options);
  }
}

function creationError(operation: Operation, error: unknown): Error {
  const urn = JSON.stringify(operation.urn);
  if (error instanceof NoMatchError) {
    return new Error(
      `creation of resource ${urn} with kind ${operation.type.replace("kubernetes:", "").replace(/:/, "/")} failed ` +
        "because the Kubernetes API server reported that the apiVersion for this resource does not exist. " +
        `Verify that any required CRDs have been created: ${error.message}`,
    );
  }
  const hint = error instanceof KubeError && error.reason === "AlreadyExists" ? ALREADY_EXISTS : "";
  return new Error(
    `resource ${urn} was not successfully created by the Kubernetes API server: ${wordsOf(error)}${hint}`,
  );
}

const ALREADY_EXISTS =
  "\n\nThe resource already exists in the cluster: use an alias if the Pulumi resource was renamed, a Patch resource " +
  "to own single fields of it, `pulumi import` to adopt it, or the provider's upsertExistingObjects to take it over.";

/** Changes the object in place; in preview, what the server says that it would become. */
export async function updateObject(write: Write, old: Checkpoint): Promise<PropertyMap> {
  const { cluster, operation, inputs, fieldManager } = write;
  const options = { fieldManager, dryRun: operation.preview, force: false, signal: operation.signal };
  let live: PropertyMap;
  try {
    const before = await get(cluster, inputs, nameOf(old.live));
    if (!write.kind.patch) await adoptFields(cluster, before, options);
    live = await apply(cluster, inputs, { ...options, force: mustForce(inputs, before, operation.preview) });
  } catch (error) {
    if (operation.preview && error instanceof KubeError && error.status === 403) return write.marked;
    throw new Error(`update of resource ${JSON.stringify(operation.urn)} failed: ${wordsOf(error)}`, { cause: error });
  }
  const outputs = (object: PropertyMap): PropertyMap => outputsOf(write, object, old.initialApiVersion);
  if (operation.preview) return outputs(live);
  const outcome = await awaitReady(cluster, operation, inputs, live);
  if (outcome.failure !== undefined) {
    throw new InitializationError(
      `the Kubernetes API server reported that ${JSON.stringify(idOf(live))} failed to fully initialize ` +
        `or become live: ${outcome.failure}`,
      { id: idOf(live), outputs: outputs(outcome.live) },
      [outcome.failure],
    );
  }
  if (old.fieldManager !== fieldManager) {
    await relinquish(cluster, live, { ...options, fieldManager: old.fieldManager });
  }
  return outputs(outcome.live);
}

/** Deletes the object and waits until it is gone; a `…Patch` resource gives its fields back instead. */
export async function deleteObject(cluster: Cluster, kind: Kind, operation: Operation, old: Checkpoint): Promise<void> {
  const { live, inputs, fieldManager } = old;
  try {
    if (kind.patch) {
      const options = { fieldManager, dryRun: false, force: false, signal: operation.signal };
      await relinquish(cluster, live, options);
      return;
    }
    await cluster.connection.send({
      method: "DELETE",
      path: await cluster.discovery.path(live),
      body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: propagationPolicy(inputs) },
      signal: operation.signal,
    });
  } catch (error) {
    // Gone, or its definition is gone: deleted all the same.
    if (isNotFound(error) || error instanceof NoMatchError) return;
    throw error;
  }
  await awaitGone(cluster, operation, old);
}

async function awaitGone(cluster: Cluster, operation: Operation, old: Checkpoint): Promise<void> {
  try {
    await awaitDeletion(cluster, operation, old.inputs, old.live);
  } catch (error) {
    if (!(error instanceof AwaitError)) throw error;
    const outputs = toOutputs({ ...old, live: error.live }, old.inputs);
    throw new InitializationError(error.message, { id: idOf(error.live), outputs }, [error.message]);
  }
}

/** Foreground unless the program says otherwise, so that a delete ends when the dependents have gone, too. */
function propagationPolicy(inputs: PropertyMap): string {
  const policies: Record<string, string> = { orphan: "Orphan", background: "Background" };
  return policies[annotation(inputs, ANNOTATIONS.deletionPropagationPolicy).toLowerCase()] ?? "Foreground";
}
