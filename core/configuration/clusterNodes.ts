import { poolOf, type MachineConfigPool } from "../node/maintenance.ts";
import { cardSighting, hasNfd } from "../node/cardLabel.ts";

/** A Node object, as far as a first configuration looks at it. */
export interface NodeObject {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Which of a Node's addresses SSH goes to; `Name` is the Node's own name. */
export const addressTypes = ["InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS", "Name"] as const;
export type AddressType = (typeof addressTypes)[number];

/** The node's first address of this type, as the configuration has it: IPv6 in brackets. */
export function addressOf({ metadata, status }: NodeObject, type: AddressType): string | undefined {
  if (type === "Name") return metadata.name;
  const address = status?.addresses?.find((each) => each.type === type)?.address;
  return address?.includes(":") === true ? `[${address}]` : address;
}

const roleLabel = "node-role.kubernetes.io/";

const rolesOf = ({ metadata }: NodeObject): string[] =>
  Object.keys(metadata.labels ?? {}).flatMap((label) =>
    label.startsWith(roleLabel) ? [label.slice(roleLabel.length)] : [],
  );

/** Roles and pool, for people: `worker, pool worker-rt`. */
export function aboutNode(node: NodeObject, pools: readonly MachineConfigPool[]): string {
  const pool = poolOf(node, pools);
  return (
    [...rolesOf(node).sort(), ...(pool === undefined ? [] : [`pool ${pool.metadata.name}`])].join(", ") || "no role"
  );
}

const isControlPlane = (node: NodeObject): boolean =>
  rolesOf(node).some((role) => role === "control-plane" || role === "master");

/** Whether pods run on it now. */
const isReady = ({ status }: NodeObject): boolean =>
  status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;

/** Workers first, by name: a control-plane node is no canary. */
export const inRolloutOrder = (nodes: readonly NodeObject[]): NodeObject[] =>
  nodes.toSorted(
    (one, other) =>
      Number(isControlPlane(one)) - Number(isControlPlane(other)) ||
      one.metadata.name.localeCompare(other.metadata.name, "en", { numeric: true }),
  );

/** Names of the nodes that are neither masters nor anything like it. */
export const workersOf = (nodes: readonly NodeObject[]): string[] =>
  inRolloutOrder(nodes.filter((node) => !isControlPlane(node))).map(({ metadata }) => metadata.name);

/** By what nodes are chosen. */
export interface Wanted {
  /** Names that were given, by hand or by a label selector; undefined to go by NFD's labels. */
  readonly names: readonly string[] | undefined;
  /** Names that the configuration lists already. */
  readonly listed: readonly string[];
}

/** Which nodes are looked at, in the order of the roll-out. */
export interface Choice {
  readonly nodes: readonly NodeObject[];
  /** What a person should know of it. */
  readonly notes: readonly string[];
  readonly problems: readonly string[];
}

/** Chooses the nodes to list, and those that are listed. One that isn't Ready can't be looked at: it is left out and named. */
export function chooseNodes(nodes: readonly NodeObject[], { names, listed }: Wanted): Choice {
  const known = nodes.map(({ metadata }) => metadata.name);
  const unknown = (names ?? []).filter((name) => !known.includes(name));
  const problems =
    unknown.length === 0 ? [] : [`--nodes: found ${unknown.join(", ")}, expected names among ${few(known)}`];
  const chosen = nodes.filter(
    ({ metadata: { name, labels } }) =>
      [...listed, ...(names ?? [])].includes(name) || (names === undefined && cardSighting(labels) === "card"),
  );
  const away = chosen.filter((node) => !isReady(node)).map(({ metadata }) => metadata.name);
  const notes = [
    ...(away.length === 0 ? [] : [`not Ready, and so not looked at: ${away.join(", ")}`]),
    ...(names === undefined ? nfdNotes(nodes, listed) : []),
  ];
  return { nodes: inRolloutOrder(chosen.filter(isReady)), notes, problems };
}

/** What NFD's labels leave open. */
function nfdNotes(nodes: readonly NodeObject[], listed: readonly string[]): string[] {
  if (!hasNfd(nodes)) {
    return listed.length === 0 ? [] : ["NFD labels no node: new ones are looked for by --nodes or --selector only"];
  }
  const perhaps = nodes.filter(
    ({ metadata: { name, labels } }) => !listed.includes(name) && cardSighting(labels) === "perhaps",
  );
  if (perhaps.length === 0) return [];
  return [
    `a card of AMD's (10ee) whose device NFD's label doesn't tell, perhaps an Alveo SN1000: ${perhaps.map(({ metadata }) => metadata.name).join(", ")}`,
  ];
}

const few = (names: readonly string[]): string =>
  names.length <= 12 ? names.join(", ") : `${names.slice(0, 12).join(", ")} and ${names.length - 12} more`;
