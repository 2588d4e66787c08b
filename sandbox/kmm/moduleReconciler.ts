import { isAlreadyExists, ownerReference } from "../kube.ts";
import { type Context, sameJson, targetOf } from "./context.ts";
import type { Line } from "./lines.ts";
import { imageSpecOf, resolve } from "./mapping.ts";
import { disableEverywhere, disableOn, enableOn, type NodeConfigs } from "./moduleOnNode.ts";
import {
  CONTAINS_MODULES,
  configuredLabel,
  inUseLabel,
  type ModuleKey,
  MODULE_FINALIZER,
  workerVersionLabel,
} from "./names.ts";
import { isolate } from "./networkPolicies.ts";
import {
  type ImageSpec,
  type ImageState,
  MICS,
  type Module,
  type ModuleCounters,
  type ModuleImagesConfig,
  MODULES,
  NAMESPACES,
  NMCS,
  type Node,
  type NodeModulesConfig,
} from "./resources.ts";
import { selects } from "./selection.ts";

/** Module: says which images are wanted (ModuleImagesConfig) and which node loads what (NodeModulesConfig). */
export async function reconcileModule(context: Context, key: ModuleKey): Promise<void> {
  const module = await context.kube.find(MODULES, key);
  if (module === undefined) return;
  if (module.metadata.deletionTimestamp !== undefined) {
    await finalize(context, module, key);
    return;
  }
  if (context.line.networkPolicies) await isolate(context, module);
  await claim(context, module, key);
  if (module.spec.moduleLoader === undefined) {
    // Nothing is built, and nothing unloaded either.
    if (context.line.clearsCounters) await writeCounters(context, module, {});
    return;
  }
  const nodes = context.nodes.list();
  const { items } = await context.kube.list(NMCS);
  const nmcs: NodeConfigs = new Map(items.map((nmc) => [nmc.metadata.name ?? "", nmc]));
  const selected = nodes.filter((node) => selects(module, node, context.line));
  const chosen = new Set(selected);
  const states = await updateImages(context, module, selected);
  for (const node of nodes) {
    if (chosen.has(node)) await placeOn(context, { module, key, node, states, nmcs });
    else await disableOn(context, { key, node, nmcs }, { create: false });
  }
  await updateCounters(context, module, { key, selected: selected.length });
}

/** Namespace label, finalizer and the empty status, in this order. */
async function claim(context: Context, module: Module, key: ModuleKey): Promise<void> {
  const namespace = await context.kube.get(NAMESPACES, { name: key.namespace });
  if (namespace.metadata.labels?.[CONTAINS_MODULES] === undefined) await labelNamespace(context, key.namespace, "");
  const finalizers = module.metadata.finalizers ?? [];
  if (!finalizers.includes(MODULE_FINALIZER)) {
    await context.kube.patch(MODULES, key, { metadata: { finalizers: [...finalizers, MODULE_FINALIZER] } });
    await context.kube.patchStatus(MODULES, key, { devicePlugin: {}, moduleLoader: {} });
  }
}

async function labelNamespace(context: Context, name: string, value: string | null): Promise<void> {
  await context.kube.patch(NAMESPACES, { name }, { metadata: { labels: { [CONTAINS_MODULES]: value } } });
}

/** Writes the images of the selected nodes' kernels into the ModuleImagesConfig; answers the states known of them. */
async function updateImages(context: Context, module: Module, selected: Node[]): Promise<Map<string, ImageState>> {
  const images = new Map<string, ImageSpec>();
  for (const node of selected) {
    const resolved = resolve(module, node.status?.nodeInfo?.kernelVersion ?? "");
    if (resolved !== undefined) images.set(resolved.image, imageSpecOf(resolved, context.line));
  }
  const mic = await context.kube.find(MICS, targetOf(module));
  await writeImages(context, module, { mic, images: [...images.values()] });
  return new Map(mic?.status?.imagesStates?.map(({ image, status }) => [image, status]));
}

async function writeImages(
  context: Context,
  module: Module,
  { mic, images }: { mic: ModuleImagesConfig | undefined; images: ImageSpec[] },
): Promise<void> {
  const spec = imagesSpec(context.line, module, images);
  const target = targetOf(module);
  if (mic === undefined) {
    const metadata = { ...target, ownerReferences: [ownerReference(MODULES, module)] };
    await context.kube.create(MICS, { metadata, spec }).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  } else if (!sameJson(mic.spec, spec)) {
    await context.kube.patch(MICS, target, { spec: { ...ABSENT, ...spec } });
  }
}

/** What isn't wanted any more has to be named in a patch. */
const ABSENT = { imageRepoSecret: null, imageRebuildTriggerGeneration: null, tolerations: null };

function imagesSpec(line: Line, { spec }: Module, images: ImageSpec[]): ModuleImagesConfig["spec"] {
  const { imageRepoSecret, moduleLoader, imageRebuildTriggerGeneration, tolerations } = spec;
  const imagePullPolicy = moduleLoader?.container.imagePullPolicy ?? "IfNotPresent";
  return {
    imagePullPolicy,
    ...(imageRepoSecret === undefined ? {} : { imageRepoSecret }),
    ...(line.pushesAsAsked ? { pushBuiltImage: true } : {}),
    ...(line.rebuildTrigger && imageRebuildTriggerGeneration !== undefined ? { imageRebuildTriggerGeneration } : {}),
    ...(line.ownTolerations && tolerations !== undefined ? { tolerations } : {}),
    images,
  };
}

interface Placement {
  module: Module;
  key: ModuleKey;
  node: Node;
  states: Map<string, ImageState>;
  nmcs: NodeConfigs;
}

/**
 * One selected node. Without a mapping, or without the version label on a versioned Module, the Module goes from it; a
 * label with another version, or an image that doesn't exist (yet), leaves everything as it is.
 */
async function placeOn(context: Context, { module, key, node, states, nmcs }: Placement): Promise<void> {
  const resolved = resolve(module, node.status?.nodeInfo?.kernelVersion ?? "");
  const gate = resolved === undefined ? "closed" : versionGate(module, node, key);
  if (resolved === undefined || gate === "closed") {
    await disableOn(context, { key, node, nmcs }, { create: true });
    return;
  }
  if (gate === "frozen") return;
  if (states.get(resolved.image) === "Exists") await enableOn(context, { module, key, node, nmcs, resolved });
}

function versionGate(module: Module, node: Node, key: ModuleKey): "open" | "closed" | "frozen" {
  const version = module.spec.moduleLoader?.container.version ?? "";
  const onNode = node.metadata.labels?.[workerVersionLabel(key)];
  if (version === "" || onNode === version) return "open";
  return onNode === undefined ? "closed" : "frozen";
}

/** Zero counters are absent. `availableNumber` compares configurations only: it knows no bootId and no `.ready`. */
async function updateCounters(
  context: Context,
  module: Module,
  { key, selected }: { key: ModuleKey; selected: number },
): Promise<void> {
  const { items } = await context.kube.list(NMCS, { labelSelector: configuredLabel(key) });
  const counters: ModuleCounters = {
    ...counted("nodesMatchingSelectorNumber", selected),
    ...counted("desiredNumber", items.length),
    ...counted("availableNumber", items.filter((nmc) => isAvailable(nmc, key)).length),
  };
  await writeCounters(context, module, counters);
  if (context.line.rebuildTrigger) await tellTrigger(context, module, key);
}

async function writeCounters(context: Context, module: Module, counters: ModuleCounters): Promise<void> {
  if (sameJson(counters, module.status?.moduleLoader ?? {})) return;
  const absent = { nodesMatchingSelectorNumber: null, desiredNumber: null, availableNumber: null };
  const status = { devicePlugin: {}, moduleLoader: { ...absent, ...counters } };
  await context.kube.patchStatus(MODULES, targetOf(module), status);
}

/** Tells which `imageRebuildTriggerGeneration` was followed last. */
async function tellTrigger(context: Context, module: Module, key: ModuleKey): Promise<void> {
  const followed = (await context.kube.find(MICS, key))?.status?.imageRebuildTriggerGeneration;
  if (followed === module.status?.imageRebuildTriggerGeneration) return;
  await context.kube.patchStatus(MODULES, key, { imageRebuildTriggerGeneration: followed ?? null });
}

const counted = (name: keyof ModuleCounters, value: number): ModuleCounters => (value === 0 ? {} : { [name]: value });

function isAvailable(nmc: NodeModulesConfig, key: ModuleKey): boolean {
  const own = (each: ModuleKey): boolean => each.name === key.name && each.namespace === key.namespace;
  const wanted = nmc.spec?.modules?.find(own);
  const loaded = nmc.status?.modules?.find(own);
  return wanted !== undefined && loaded !== undefined && sameJson(wanted.config, loaded.config);
}

/** The label that guards the namespace goes first, long before the nodes are free: a defect of KMM's. */
async function finalize(context: Context, module: Module, key: ModuleKey): Promise<void> {
  const { items } = await context.kube.list(MODULES, { namespace: key.namespace });
  const namespace = await context.kube.find(NAMESPACES, { name: key.namespace });
  const labelled = namespace?.metadata.labels?.[CONTAINS_MODULES] !== undefined;
  if (labelled && items.every(({ metadata }) => metadata.deletionTimestamp !== undefined)) {
    await labelNamespace(context, key.namespace, null);
  }
  await disableEverywhere(context, key);
  const inUse = await context.kube.list(NMCS, { labelSelector: inUseLabel(key) });
  if (inUse.items.length > 0) {
    context.log(
      `module ${key.namespace}/${key.name}: Some NMCs still list the Module as in-use; not removing the finalizer`,
    );
    return;
  }
  const finalizers = (module.metadata.finalizers ?? []).filter((each) => each !== MODULE_FINALIZER);
  await context.kube.patch(MODULES, key, { metadata: { finalizers } });
}
