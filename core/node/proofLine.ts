/** One node in one line: what a person reads of it after `up`. `npm run status -- --json` has the rest. */
import { releaseOf } from "../build/imageTag.ts";
import type { NodeProof } from "../contracts/proveNode.ts";
import { versionOn, type Expected, type RollNode } from "./nodeState.ts";

/** @param fingerprint the signing certificate's, as `openssl x509 -fingerprint -sha256` prints it */
export function proofLine(proof: NodeProof, fingerprint: string): string {
  return [
    proof.state === "pending" ? "pending, reboot it in a window of your own" : "proven",
    ...runs(proof.image === undefined ? undefined : releaseOf(proof.image), proof.version),
    `kernel ${proof.kernel}`,
    keyWords(proof, fingerprint),
  ].join(", ");
}

/** A node that roll-outs pass by isn't asked itself: this is what the cluster says of it. */
export function heldLine(node: RollNode, module: Pick<Expected, "namespace" | "module">): string {
  const version = versionOn(node, module);
  const found = version === undefined ? ["without OpenOnload"] : runs(undefined, version);
  return ["held", ...found, `kernel ${node.status.nodeInfo.kernelVersion}`].join(", ");
}

/** A version without its release's name is one that an older version of this program has proven. */
function runs(release: string | undefined, version: string | undefined): string[] {
  return [
    ...(release === undefined ? [] : [`OpenOnload ${release}`]),
    ...(version === undefined ? [] : [`version ${version}`]),
  ];
}

/** The key by the beginning of its fingerprint: enough to tell it from the one before. */
function keyWords({ secureBoot, key }: Pick<NodeProof, "secureBoot" | "key">, fingerprint: string): string {
  if (secureBoot !== "enabled") return "key not needed";
  return `key ${fingerprint.slice(0, "AB:CD:EF:01".length)} ${key ?? "unknown"}`;
}
