/** One Kubernetes kind as a resource type of the provider. */
import { isNotFound } from "../../kube/error.ts";
import type { CheckFailure, CheckResult, Operation, ResourceState, ResourceType } from "../core/provider.ts";
import { hasUnknown, isUnknown, mapValues, type PropertyMap, revealAll } from "../core/values.ts";
import { get } from "./apply.ts";
import { fromOutputs, markSecrets, prune, toOutputs } from "./checkpoint.ts";
import { type Cluster, type ClusterState, mustReach, wordsOf } from "./cluster.ts";
import { parseWaitFor } from "./conditions.ts";
import { NoMatchError } from "./discovery.ts";
import type { Kind } from "./kinds.ts";
import { createObject, deleteObject, updateObject, type Write } from "./lifecycle.ts";
import { autoname, fieldManagerOf } from "./naming.ts";
import { normalizeInputs } from "./normalize.ts";
import {
  annotation,
  ANNOTATIONS,
  apiVersionOf,
  kindOf,
  mapAt,
  nameOf,
  namespaceOf,
  parseId,
  withMetadata,
} from "./objects.ts";
import { planChange } from "./plan.ts";

/** Fields of a live object that a program would not write, left out of inputs that are read from the cluster. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** The resource type for a kind; `state` tells what Configure found. */
export function kubernetesResource(kind: Kind, state: () => ClusterState): ResourceType {
  const writeOf = (operation: Operation, marked: PropertyMap, manager: string): Write => {
    const inputs = normalizeInputs(revealAll(marked), kind);
    const fieldManager = fieldManagerOf(inputs, manager);
    return { kind, cluster: mustReach(state()), operation, marked, inputs, fieldManager };
  };
  return {
    check: (operation, inputs, olds) => check({ kind, operation, state: state() }, inputs, olds),

    diff: async (_operation, { oldOutputs, inputs }) => {
      const old = fromOutputs(oldOutputs);
      return planChange({
        kind,
        namespaced: await isNamespaced(kind, state()),
        live: old.live,
        oldInputs: normalizeInputs(old.inputs, kind),
        inputs: normalizeInputs(revealAll(inputs), kind),
      });
    },

    create: async (operation, inputs) => {
      if (operation.preview && (kind.patch || (await cannotAsk(inputs, kind, state()))))
        return { id: "", outputs: inputs };
      return await createObject(writeOf(operation, inputs, ""));
    },

    read: (operation, old) => read(mustReadFrom(state()), kind, operation, old),

    update: async (operation, { oldOutputs, inputs }) => {
      if (operation.preview && (await cannotAsk(inputs, kind, state()))) return inputs;
      const old = fromOutputs(oldOutputs);
      return await updateObject(writeOf(operation, inputs, old.fieldManager), old);
    },

    delete: async (operation, { outputs }) => {
      await deleteObject(mustDeleteFrom(state()), kind, operation, fromOutputs(outputs));
    },
  };
}

/** True when a preview can't ask the server: with unknowns, without a cluster, or before the definition is there. */
async function cannotAsk(inputs: PropertyMap, kind: Kind, state: ClusterState): Promise<boolean> {
  if (hasUnknown(inputs) || !("cluster" in state)) return true;
  return (await state.cluster.discovery.find(kind.apiVersion, kind.kind)) === undefined;
}

/** A kind that nobody knows (yet) counts as namespaced. */
async function isNamespaced(kind: Kind, state: ClusterState): Promise<boolean> {
  if (!("cluster" in state)) return kind.kind !== "Namespace" && kind.kind !== "Node";
  return (await state.cluster.discovery.find(kind.apiVersion, kind.kind))?.namespaced ?? true;
}

async function check(
  { kind, operation, state }: { kind: Kind; operation: Operation; state: ClusterState },
  news: PropertyMap,
  olds: PropertyMap | undefined,
): Promise<CheckResult> {
  let inputs = normalizeInputs(revealAll(news), kind);
  const failures = [...refuseInputs(news, kind), ...refuseWaitFor(inputs)];
  if (kind.patch && nameOf(inputs) === "") {
    throw new Error("patch resources require the `.metadata.name` field to be set");
  }
  if ("generateName" in mapAt(inputs, "metadata")) {
    throw new Error("the `.metadata.generateName` field is not supported in Server-Side Apply mode");
  }
  const isNew = olds === undefined || Object.keys(olds).length === 0;
  inputs = autoname(inputs, isNew ? undefined : revealAll(olds), { name: operation.name, seed: operation.seed });
  if (needsNamespace(inputs) && "cluster" in state && (await isNamespaced(kind, state))) {
    inputs = withMetadata(inputs, { namespace: state.cluster.defaultNamespace });
  }
  return { inputs: markSecrets(inputs, news), failures };
}

function refuseInputs(news: PropertyMap, kind: Kind): CheckFailure[] {
  return Object.keys(news)
    .filter((property) => !kind.fields.includes(property))
    .map((property) => ({ property, reason: `the stand-in for ${kind.kind} has no such input` }));
}

function refuseWaitFor(inputs: PropertyMap): CheckFailure[] {
  const waitFor = annotation(inputs, ANNOTATIONS.waitFor);
  if (waitFor === "" || isUnknown(waitFor)) return [];
  try {
    parseWaitFor(waitFor);
    return [];
  } catch (error) {
    return [{ property: "metadata.annotations", reason: `${ANNOTATIONS.waitFor}: ${wordsOf(error)}` }];
  }
}

function needsNamespace(inputs: PropertyMap): boolean {
  return !hasUnknown(inputs.metadata) && namespaceOf(inputs) === "";
}

/**
 * Reads the live object: for a refresh, cut down to the inputs; for `Kind.get` and imports, with all its inputs. What a
 * `Kind.get` read has no inputs in the state: like the real provider, its refresh keeps no more of them than its identity.
 */
async function read(
  cluster: Cluster,
  kind: Kind,
  _operation: Operation,
  old: Required<ResourceState>,
): Promise<ResourceState | undefined> {
  const checkpoint = fromOutputs(old.outputs);
  const { namespace, name } = parseId(old.id);
  const identity: PropertyMap = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name, namespace } };
  let live: PropertyMap;
  try {
    live = await get(cluster, identity);
  } catch (error) {
    if (isNotFound(error) || error instanceof NoMatchError) return undefined;
    throw error;
  }
  const given = normalizeInputs(revealAll(old.inputs), kind);
  const shape = isTyped(given) ? given : isTyped(checkpoint.live) ? identity : undefined;
  const inputs = shape === undefined ? inputsFrom(live, kind) : prune(live, shape);
  const initialApiVersion = checkpoint.initialApiVersion || kind.apiVersion;
  const fieldManager = fieldManagerOf(given, checkpoint.fieldManager);
  return {
    id: old.id,
    inputs: markSecrets(inputs, old.inputs),
    outputs: toOutputs({ inputs, live, initialApiVersion, fieldManager }, old.inputs),
  };
}

/** Whether it says what it is: nothing does that comes from outside of a state. */
function isTyped(object: PropertyMap): boolean {
  return apiVersionOf(object) !== "" || kindOf(object) !== "";
}

/** What of a live object a program would have written. */
function inputsFrom(live: PropertyMap, kind: Kind): PropertyMap {
  const inputs = mapValues(live, (value, key) => (kind.fields.includes(key) ? value : undefined));
  const annotations = { ...mapAt(mapAt(inputs, "metadata"), "annotations") };
  Reflect.deleteProperty(annotations, LAST_APPLIED);
  const cleaned = Object.keys(annotations).length === 0 ? undefined : annotations;
  return withMetadata(inputs, {
    annotations: cleaned,
    creationTimestamp: undefined,
    generation: undefined,
    managedFields: undefined,
    resourceVersion: undefined,
    uid: undefined,
  });
}

const DELETE_UNREACHABLE =
  "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the " +
  'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';

function mustReadFrom(state: ClusterState): Cluster {
  if ("cluster" in state) return state.cluster;
  throw new Error(
    `failed to read resource state due to unreachable cluster (${state.unreachable}). ${DELETE_UNREACHABLE}`,
  );
}

function mustDeleteFrom(state: ClusterState): Cluster {
  if ("cluster" in state) return state.cluster;
  throw new Error(`configured Kubernetes cluster is unreachable: ${state.unreachable}. ${DELETE_UNREACHABLE}`);
}
