import type { ReleaseSettings } from "../build/release.ts";
import { counterpart, shownKey } from "../node/hostKey.ts";
import { aboutOf, entryOf, type FoundNode } from "./firstFile.ts";
import { longestInline } from "./nodesFile.ts";
import type { ListedNode, StackFile } from "./stackFile.ts";

/** What can be written into a file that is there; each only when it is asked for by its name. */
export const changeKinds = [
  "new-nodes",
  "gone-nodes",
  "host-keys",
  "addresses",
  "cluster",
  "release",
  "nodes-file",
] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** One difference between the file and what was found. */
export interface Change {
  readonly kind: ChangeKind;
  /** For people, on one line. */
  readonly text: string;
  /** Puts what was found into the file. */
  readonly apply: () => void;
}

/** What was found this time. */
export interface FoundFacts {
  /** The kubeconfig and context by which the cluster was reached. */
  readonly cluster: { readonly kubeconfig: string; readonly context: string };
  /** Undefined where no package could be read. */
  readonly release: ReleaseSettings | undefined;
  /** Names of all the cluster's nodes. */
  readonly names: readonly string[];
  /** Those that are wanted in the list, or are in it; without those that couldn't be looked at. */
  readonly nodes: readonly FoundNode[];
  readonly scanned: boolean;
  /** Where a list goes that is too long for the stack's file. */
  readonly nodesFile: string;
}

/** Every difference, in the order of the file. */
export function changesIn(file: StackFile, facts: FoundFacts): Change[] {
  const listed = file.nodes;
  const isNew = ({ name }: FoundNode) => !listed.some((each) => each.name === name);
  return [
    ...memberChanges(file, "cluster", facts.cluster),
    ...(facts.release === undefined ? [] : memberChanges(file, "release", { ...facts.release })),
    ...listed.flatMap((node) => nodeChanges(file, node, facts)),
    ...facts.nodes.filter(isNew).map((node) => newNode(file, node, facts)),
    ...listPlace(file, facts.nodes.filter(isNew), facts.nodesFile),
  ];
}

/** A list too long for the stack's file belongs into one of its own. */
function listPlace(file: StackFile, more: readonly FoundNode[], path: string): Change[] {
  const size = file.sizeWith(more.map(entryOf));
  if (file.nodesFile !== undefined || size <= longestInline) return [];
  const text = `onload-kmm:nodes: ${kib(size)} are more than Pulumi can hand to a program → ${path}`;
  return [{ kind: "nodes-file", text, apply: () => file.moveNodes(path) }];
}

const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;

function memberChanges(
  file: StackFile,
  key: "cluster" | "release",
  members: Readonly<Record<string, string>>,
): Change[] {
  return Object.entries(members).flatMap(([member, value]) => {
    const old = file.text(key, member);
    if (old === value) return [];
    const text = `onload-kmm:${key}.${member}: ${old ?? "missing"} → ${value}`;
    return [{ kind: key, text, apply: () => file.set([key, member], value) }];
  });
}

function nodeChanges(file: StackFile, listed: ListedNode, facts: FoundFacts): Change[] {
  const { name, address, hostKey = "" } = listed;
  if (!facts.names.includes(name)) {
    const text = `${name}: isn't in the cluster any more`;
    return [{ kind: "gone-nodes", text, apply: () => file.removeNode(name) }];
  }
  const found = facts.nodes.find((each) => each.name === name);
  if (found === undefined) return [];
  const key = counterpart(hostKey, found.hostKeys) ?? hostKey;
  return [
    ...(address === found.address ? [] : [addressChange(file, listed, found)]),
    ...(key === hostKey ? [] : [keyChange(file, listed, key)]),
  ];
}

const addressChange = (file: StackFile, { name, address }: ListedNode, found: FoundNode): Change => ({
  kind: "addresses",
  text: `${name}: ${address ?? "missing"} → ${found.address}`,
  apply: () => file.setOfNode(name, "address", found.address),
});

const keyChange = (file: StackFile, { name, hostKey = "" }: ListedNode, key: string): Change => ({
  kind: "host-keys",
  text: `${name}: ${hostKey === "" ? "missing" : shownKey(hostKey)} → ${shownKey(key)}`,
  apply: () => file.setOfNode(name, "hostKey", key),
});

const newNode = (file: StackFile, node: FoundNode, { scanned }: FoundFacts): Change => ({
  kind: "new-nodes",
  text: `${node.name}: new; ${node.about}, ${node.address}, ${shownKey(node.hostKeys[0] ?? "")}`,
  apply: () => file.addNode(entryOf(node), aboutOf(node, scanned)),
});

/** For people: each difference under its kind. */
export const shownChanges = (changes: readonly Change[]): string =>
  changes.map(({ kind, text }) => `  ${kind.padEnd(10)}  ${text}`).join("\n");
