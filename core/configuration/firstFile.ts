import type { ReleaseSettings } from "../build/release.ts";
import { shownKey } from "../node/hostKey.ts";
import { longestInline } from "./nodesFile.ts";
import type { Settings } from "./settings.ts";
import type { StackFile } from "./stackFile.ts";

/** A node of the cluster, as far as the list of nodes tells of it. */
export interface FoundNode {
  readonly name: string;
  /** For SSH, as the configuration has it. */
  readonly address: string;
  /** Its SSH host keys, the best first. */
  readonly hostKeys: readonly string[];
  /** Roles and pool, for people. */
  readonly about: string;
}

/** What a first configuration is written from. */
export interface FirstFacts {
  readonly cluster: Settings["cluster"];
  readonly release: ReleaseSettings;
  readonly ssh: { readonly user: string } & ({ readonly privateKeyFile: string } | { readonly agent: true });
  /** The canary first. */
  readonly nodes: readonly FoundNode[];
  /** Whether the host keys came from the network, and nobody vouches for them. */
  readonly scanned: boolean;
  /** Where a list goes that is too long for the stack's file. */
  readonly nodesFile: string;
}

/** Fills in all that a stack needs to be previewed. Keys that the file has already stay as they are. */
export function fillIn(file: StackFile, facts: FirstFacts): void {
  const { cluster, release, ssh, nodes, scanned, nodesFile } = facts;
  file.addKey(
    "pulumi:disable-default-providers",
    ["kubernetes"],
    "Only this program's own provider may touch a cluster.",
  );
  file.addKey(
    "onload-kmm:cluster",
    { kubeconfig: cluster.kubeconfig, context: cluster.context, id: cluster.id },
    "The one cluster that this stack may touch; `id` is the UID of its namespace kube-system.",
  );
  file.addKey(
    "onload-kmm:release",
    { package: release.package, sha256: release.sha256, version: release.version },
    "AMD's release package; the version is the one in its .src.rpm's name.",
  );
  if (file.nodesFile === undefined) file.addKey("onload-kmm:nodes", [], nodesComment);
  if (file.nodes.length === 0) {
    nodes.forEach((node, index) =>
      file.addNode({ ...entryOf(node), ...(index > 0 && { hold: true }) }, aboutOf(node, scanned)),
    );
    if (file.sizeWith() > longestInline) file.moveNodes(nodesFile);
  }
  file.addKey("onload-kmm:ssh", { ...ssh }, "Who logs in on the nodes, with passwordless sudo.");
  file.addKey(
    "onload-kmm:enrolment",
    { mode: "attended" },
    "How Secure Boot comes to trust the key: attended by a person at each console; also operator, console, redfish, off.\n" +
      "Every other key, with its reason: Pulumi.prod.yaml.",
  );
}

const nodesComment =
  "In the order of the roll-out: the first is the canary, the others are held until it has proven the release.\n" +
  "Then take their `hold` away, and say by `rollout.maxParallel` how many may be out of service at once.";

/** A node's entry in the list. */
export const entryOf = ({ name, address, hostKeys }: FoundNode): Record<string, string> => ({
  name,
  address,
  hostKey: hostKeys[0] ?? "",
});

/** The comment before it. */
export function aboutOf({ about, hostKeys }: FoundNode, scanned: boolean): string {
  if (!scanned) return about;
  return `${about}\n${shownKey(hostKeys[0] ?? "")} came from the network: compare it on the node's console`;
}
