/** What a cluster tells of itself and of its nodes. */
import {
  aboutNode,
  addressOf,
  chooseNodes,
  workersOf,
  type AddressType,
  type NodeObject,
} from "../../core/configuration/clusterNodes.ts";
import type { FoundNode } from "../../core/configuration/firstFile.ts";
import type { ListedNode } from "../../core/configuration/stackFile.ts";
import type { MachineConfigPool } from "../../core/node/maintenance.ts";
import { previewSeconds } from "../../core/patience.ts";
import { readHostKeys, toolsImage } from "../../steps/cluster/hostKeys.ts";
import { Kubectl, type KubeObject } from "../../steps/cluster/kubectl.ts";
import { scanHostKeys } from "../../steps/node/scanHostKeys.ts";
import { listOf, type Options } from "./options.ts";
import { noting, Problems } from "./problems.ts";
import { ask, isAttended } from "./terminal.ts";

/** The cluster behind a context, and its identity. */
export async function connectTo(access: { kubeconfig: string; context: string }) {
  const kubectl = new Kubectl({ ...access, id: "" }, previewSeconds);
  const id = await kubectl.run(["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]);
  return { kubectl, id };
}

/** Names of a kubeconfig's contexts. */
export async function contextsIn(kubeconfig: string): Promise<string[]> {
  const kubectl = new Kubectl({ kubeconfig, context: "", id: "" }, previewSeconds);
  const names = await kubectl.run(["config", "get-contexts", "-o", "name"]);
  return names.split("\n").filter((name) => name !== "");
}

/** What was found of the nodes to list. */
export interface FoundNodes {
  /** Names of all the cluster's nodes. */
  readonly names: readonly string[];
  readonly nodes: readonly FoundNode[];
  /** What a person should know of the choice. */
  readonly notes: readonly string[];
}

/**
 * Chooses the nodes and looks at each.
 *
 * @param listed the nodes that the file has already
 * @throws Problems with all that is wrong
 */
export async function findNodes(
  kubectl: Kubectl,
  options: Options,
  listed: readonly ListedNode[],
  stop: AbortSignal,
): Promise<FoundNodes> {
  const [all, pools] = await Promise.all([
    kubectl.list<NodeObject & KubeObject>("nodes"),
    kubectl.listKnown<MachineConfigPool & KubeObject>("machineconfigpools.machineconfiguration.openshift.io"),
  ]);
  const known = listed.map(({ name }) => name);
  const wanted = { names: await namesIn(kubectl, options), listed: known };
  let choice = chooseNodes(all, wanted);
  if (choice.nodes.length === 0 && choice.problems.length === 0 && wanted.names === undefined && isAttended()) {
    choice = chooseNodes(all, { ...wanted, names: await askForNodes(all) });
  }
  const problems = [...choice.problems];
  if (choice.nodes.length === 0 && problems.length === 0) problems.push(noNode(choice.notes));
  const placed = choice.nodes.map((node) => {
    const address = placeOf(node, options, listed);
    if (address === undefined) problems.push(noAddress(node, options.addressType ?? "InternalIP"));
    return { name: node.metadata.name, address: address ?? "", about: aboutNode(node, pools) };
  });
  if (problems.length > 0) throw new Problems(problems);
  const keys = await keysOf(kubectl, placed, options, stop);
  return {
    names: all.map(({ metadata }) => metadata.name),
    nodes: placed.map((node) => ({ ...node, hostKeys: keys.get(node.name) ?? [] })),
    notes: choice.notes,
  };
}

async function namesIn(kubectl: Kubectl, { nodes, selector }: Options): Promise<readonly string[] | undefined> {
  if (selector === undefined) return nodes;
  const selected = await kubectl.list("nodes", "-l", selector);
  return selected.map(({ metadata }) => metadata.name);
}

async function askForNodes(all: readonly NodeObject[]): Promise<string[]> {
  const workers = workersOf(all);
  const question = "No label of NFD's shows a Solarflare card. Nodes to list, by name and comma";
  return listOf(await ask(question, workers.join(",")));
}

const noNode = (notes: readonly string[]): string =>
  [
    "no node to list: no Ready one bears a label of NFD's for a Solarflare card (feature.node.kubernetes.io/pci-1924.present " +
      "or pci-0200_1924.present); name them by --nodes or --selector",
    ...notes,
  ].join("; ");

/** Where SSH reaches a node: as asked for, else as the file has it. */
function placeOf(node: NodeObject, options: Options, listed: readonly ListedNode[]): string | undefined {
  const { name } = node.metadata;
  const own = options.addresses.get(name);
  const old = options.addressType === undefined ? listed.find((each) => each.name === name)?.address : undefined;
  return own ?? old ?? addressOf(node, options.addressType ?? "InternalIP");
}

function noAddress({ metadata, status }: NodeObject, type: AddressType): string {
  const has = status?.addresses?.map((each) => `${each.type} ${each.address}`).join(", ");
  return `${metadata.name} has no address of type ${type} (it has ${has ?? "none"}); choose another --address, or --address ${metadata.name}=HOST`;
}

type Keys = ReadonlyMap<string, readonly string[]>;

async function keysOf(
  kubectl: Kubectl,
  nodes: readonly { name: string; address: string }[],
  options: Options,
  stop: AbortSignal,
): Promise<Keys> {
  if (options["host-keys"] === "keyscan") return scanned(nodes);
  const image = options.image ?? (await toolsImage(kubectl));
  const names = nodes.map(({ name }) => name);
  return readHostKeys(kubectl, names, { image, stop });
}

async function scanned(nodes: readonly { name: string; address: string }[]): Promise<Keys> {
  const problems: string[] = [];
  const keys = await Promise.all(
    nodes.map(
      async ({ name, address }) => [name, (await noting(problems, () => scanHostKeys(address))) ?? []] as const,
    ),
  );
  if (problems.length > 0) throw new Problems(problems);
  return new Map(keys);
}
