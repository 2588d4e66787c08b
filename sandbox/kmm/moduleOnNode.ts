import { isAlreadyExists, ownerReference } from "../kube.ts";
import { type Context, sameJson } from "./context.ts";
import type { Line } from "./lines.ts";
import type { ResolvedModule } from "./mapping.ts";
import { configuredLabel, inUseLabel, type ModuleKey } from "./names.ts";
import {
  type Module,
  type ModuleConfig,
  NMCS,
  type Node,
  type NodeModule,
  NODES,
  type NodeModulesConfig,
} from "./resources.ts";
import { ownTolerations } from "./selection.ts";

/** All NodeModulesConfigs by their nodes' names, read once a round. */
export type NodeConfigs = Map<string, NodeModulesConfig>;

/** A Module and a node. */
export interface Pairing {
  key: ModuleKey;
  node: Node;
  nmcs: NodeConfigs;
}

/** The same, with what the Module means for the node's kernel. */
export interface Enabling extends Pairing {
  module: Module;
  resolved: ResolvedModule;
}

/** Puts the Module's entry into the node's NodeModulesConfig. */
export async function enableOn(context: Context, { module, key, node, nmcs, resolved }: Enabling): Promise<void> {
  const nmc = await nodeModulesConfig(context, node, nmcs);
  const entry = entryOf(context.line, module, { key, resolved });
  const others = (nmc.spec?.modules ?? []).filter((each) => !isOf(each, key));
  const labels = nmc.metadata.labels ?? {};
  const before = nmc.spec?.modules?.find((each) => isOf(each, key));
  const labelled = configuredLabel(key) in labels && inUseLabel(key) in labels;
  if (labelled && before !== undefined && sameJson(before, entry)) return;
  await context.kube.patch(
    NMCS,
    { name: nmc.metadata.name ?? "" },
    {
      metadata: {
        labels: { [configuredLabel(key)]: "", [inUseLabel(key)]: "" },
        ownerReferences: [ownerReference(NODES, node, false)],
      },
      spec: { modules: [...others, entry] },
    },
  );
}

/**
 * Takes the entry off the node's NodeModulesConfig; what is loaded there is then unloaded. `create`: a missing
 * NodeModulesConfig is made, empty and without an owner, as KMM does for nodes that wait for their version label.
 */
export async function disableOn(
  context: Context,
  { key, node, nmcs }: Pairing,
  { create }: { create: boolean },
): Promise<void> {
  const nmc = create ? await nodeModulesConfig(context, node, nmcs) : nmcs.get(node.metadata.name ?? "");
  if (nmc !== undefined) await removeEntry(context, nmc, key);
}

/** The same for every node. */
export async function disableEverywhere(context: Context, key: ModuleKey): Promise<void> {
  const { items } = await context.kube.list(NMCS);
  for (const nmc of items) await removeEntry(context, nmc, key);
}

async function removeEntry(context: Context, nmc: NodeModulesConfig, key: ModuleKey): Promise<void> {
  const entries = nmc.spec?.modules ?? [];
  const labelled = nmc.metadata.labels?.[configuredLabel(key)] !== undefined;
  if (!labelled && !entries.some((each) => isOf(each, key))) return;
  await context.kube.patch(
    NMCS,
    { name: nmc.metadata.name ?? "" },
    {
      metadata: { labels: { [configuredLabel(key)]: null } },
      spec: { modules: entries.filter((each) => !isOf(each, key)) },
    },
  );
}

async function nodeModulesConfig(context: Context, node: Node, nmcs: NodeConfigs): Promise<NodeModulesConfig> {
  const name = node.metadata.name ?? "";
  const found = nmcs.get(name);
  if (found !== undefined) return found;
  try {
    return await context.kube.create(NMCS, { metadata: { name }, spec: {} });
  } catch (error) {
    if (isAlreadyExists(error)) return context.kube.get(NMCS, { name });
    throw error;
  }
}

const isOf = (entry: ModuleKey, key: ModuleKey): boolean =>
  entry.name === key.name && entry.namespace === key.namespace;

function entryOf(
  line: Line,
  module: Module,
  { key, resolved }: { key: ModuleKey; resolved: ResolvedModule },
): NodeModule {
  const { imageRepoSecret, moduleLoader } = module.spec;
  const tolerations = [...(module.spec.tolerations ?? []), ...ownTolerations(line)];
  const { version = "" } = moduleLoader?.container ?? {};
  return {
    ...key,
    serviceAccountName: moduleLoader?.serviceAccountName ?? "default",
    ...(imageRepoSecret === undefined ? {} : { imageRepoSecret }),
    ...(tolerations.length === 0 ? {} : { tolerations }),
    ...(line.versionReady && version !== "" ? { version } : {}),
    config: configOf(module, resolved),
  };
}

function configOf(module: Module, resolved: ResolvedModule): ModuleConfig {
  const { imagePullPolicy = "IfNotPresent", modprobe = {} } = module.spec.moduleLoader?.container ?? {};
  const { inTreeModulesToRemove, insecurePull } = resolved;
  return {
    kernelVersion: resolved.kernel,
    containerImage: resolved.image,
    imagePullPolicy,
    insecurePull,
    ...(inTreeModulesToRemove === undefined ? {} : { inTreeModulesToRemove }),
    modprobe,
  };
}
