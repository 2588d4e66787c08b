import type { Context } from "./context.ts";
import {
  type ModuleKey,
  readyLabel,
  secondVersionPrefix,
  VERSION_PREFIX,
  versionLabel,
  WORKER_VERSION_PREFIX,
  workerVersionLabel,
} from "./names.ts";
import { type Node, NODES } from "./resources.ts";

/**
 * Ordered upgrade: leads KMM's own version labels of a node after the one that people set. The old version's labels go
 * first, and the new ones come only once `.ready` is off, that is, once the module is unloaded; the wait polls with the
 * queue's doubling pauses. That there is such a version of the Module, or such a Module, is not asked.
 */
export async function reconcileNodeLabels(context: Context, name: string): Promise<void> {
  const node = await context.kube.find(NODES, { name });
  if (node === undefined) return;
  const second = secondVersionPrefix(context.line);
  for (const key of modulesOf(node, second)) await follow(context, name, key);
}

function modulesOf(node: Node, second: string): ModuleKey[] {
  const keys = new Set<string>();
  for (const label of Object.keys(node.metadata.labels ?? {})) {
    for (const prefix of [VERSION_PREFIX, WORKER_VERSION_PREFIX, second]) {
      if (label.startsWith(prefix)) keys.add(label.slice(prefix.length));
    }
  }
  return [...keys].map((key) => ({ namespace: key.slice(0, key.indexOf(".")), name: key.slice(key.indexOf(".") + 1) }));
}

async function follow(context: Context, name: string, key: ModuleKey): Promise<void> {
  const node = await context.kube.get(NODES, { name });
  const labels = node.metadata.labels ?? {};
  const wanted = labels[versionLabel(key)];
  const second = `${secondVersionPrefix(context.line)}${key.namespace}.${key.name}`;
  if (labels[workerVersionLabel(key)] !== wanted) {
    await setLabel(context, node, second, null);
    await setLabel(context, node, workerVersionLabel(key), null);
    if (wanted === undefined) return;
    if (labels[readyLabel(key)] !== undefined)
      throw new StillLoaded(`${key.namespace}/${key.name} is still loaded on ${name}`);
    await setLabel(context, node, workerVersionLabel(key), wanted);
  }
  await setLabel(context, node, second, wanted ?? null);
}

/** Not an error: the label has to wait for the unloader. */
export class StillLoaded extends Error {
  override name = "StillLoaded";
}

async function setLabel(context: Context, node: Node, label: string, value: string | null): Promise<void> {
  if ((node.metadata.labels?.[label] ?? null) === value) return;
  await context.kube.patch(NODES, { name: node.metadata.name ?? "" }, { metadata: { labels: { [label]: value } } });
}
