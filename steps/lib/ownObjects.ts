import { certSecretOf, standsOn, type LiveModule } from "../../core/ownObjects.ts";
import { kmm, moduleName } from "../../core/names.ts";
import type { RollNode } from "../../core/nodeState.ts";
import type { Kubectl, KubeObject } from "./kubectl.ts";

/** What is left in the cluster of the stack's own objects. */
export interface OwnObjects {
  /** What somebody deleted, as `kubectl get -o name` prints it. */
  readonly missing: readonly string[];
  /** The signing certificate in PEM; empty before the first `up`. */
  readonly certificate: string;
}

/** Looks for the Module in this namespace, and for what it stands on. No Secret is read but the public certificate's. */
export async function readOwnObjects(
  kubectl: Kubectl,
  namespace: string,
  modules: readonly (LiveModule & { readonly metadata: { readonly name: string; readonly namespace?: string } })[],
  nodes: readonly RollNode[],
): Promise<OwnObjects> {
  const module = modules.find(({ metadata }) => metadata.name === moduleName && metadata.namespace === namespace);
  if (module === undefined) {
    // A node gets its version label when the Module is there, and loses it before that goes.
    const label = kmm.versionLabel(namespace, moduleName);
    const isOrphaned = nodes.some(({ metadata }) => metadata.labels?.[label] !== undefined);
    return { missing: isOrphaned ? [`module.kmm.sigs.x-k8s.io/${moduleName}`] : [], certificate: "" };
  }
  const wanted = standsOn(module);
  const found = await kubectl.run(["get", ...wanted, "-n", namespace, "-o", "name", "--ignore-not-found"]);
  const missing = wanted.filter((object) => !found.split("\n").includes(object));
  return { missing, certificate: await readCertificate(kubectl, namespace, certSecretOf(module)) };
}

async function readCertificate(kubectl: Kubectl, namespace: string, name: string | undefined): Promise<string> {
  if (name === undefined) return "";
  const secret = await kubectl.get<KubeObject & { data?: { cert?: string } }>("secrets", name, namespace);
  return Buffer.from(secret?.data?.cert ?? "", "base64").toString("utf8");
}
