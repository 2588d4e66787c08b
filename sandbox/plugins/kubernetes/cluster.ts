/** The cluster that a provider instance is configured for. */
import { type PropertyMap, textOf } from "../core/values.ts";
import { connect, type Connection } from "./connection.ts";
import { Discovery } from "./discovery.ts";
import { defaultNamespace, loadKubeconfig } from "./kubeconfig.ts";

/** A cluster that answers. */
export interface Cluster {
  connection: Connection;
  discovery: Discovery;
  /** Where objects go that name no namespace. */
  defaultNamespace: string;
  /** Creating an object that exists already takes it over instead of failing. */
  upsert: boolean;
}

/** What Configure found: a cluster, or why there is none. Only operations that need it fail. */
export type ClusterState = { cluster: Cluster } | { unreachable: string };

/** Connects to the cluster that the provider's configuration names. */
export async function openCluster(configuration: PropertyMap): Promise<ClusterState> {
  try {
    const kubeconfig = loadKubeconfig(textOf(configuration.kubeconfig), textOf(configuration.context));
    const connection = await connect(kubeconfig);
    const discovery = new Discovery(connection);
    const namespace = defaultNamespace(kubeconfig);
    const failure = await probe(discovery);
    if (failure !== undefined) return { unreachable: failure };
    const upsert = textOf(configuration.upsertExistingObjects) === "true";
    return { cluster: { connection, discovery, defaultNamespace: namespace, upsert } };
  } catch (error) {
    return { unreachable: `failed to parse kubeconfig data in \`kubernetes:config:kubeconfig\`- ${wordsOf(error)}` };
  }
}

/** Why the API server can't be used, or nothing. */
async function probe(discovery: Discovery): Promise<string | undefined> {
  try {
    await discovery.find("v1", "Namespace");
    return undefined;
  } catch (error) {
    return `unable to load schema information from the API server: ${wordsOf(error)}`;
  }
}

/** An error's message. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The cluster, or the error of an operation that can't do without. */
export function mustReach(state: ClusterState): Cluster {
  if ("cluster" in state) return state.cluster;
  throw new Error(`configured Kubernetes cluster is unreachable: ${state.unreachable}`);
}
