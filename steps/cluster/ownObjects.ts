import type { Intent } from "../../core/cluster/inspection.ts";
import {
  certSecretOf,
  missingOf,
  orphans,
  remadeAt,
  standsOn,
  type LiveModule,
  type ObjectNames,
  type Remade,
} from "../../core/cluster/ownObjects.ts";
import { kmm, labels, moduleName } from "../../core/names.ts";
import type { RollNode } from "../../core/node/nodeState.ts";
import { timestamp } from "../lib/clock.ts";
import { imageMemoryOf } from "../build/imageMemory.ts";
import type { Kubectl, KubeObject } from "./kubectl.ts";

/** What is left in the cluster of the stack's own objects. */
export interface OwnObjects {
  /** What somebody deleted, as `kubectl get -o name` prints it. */
  readonly missing: readonly string[];
  /** What `up` created again, or must create again now. */
  readonly remade: Remade;
  /** Stems of image tags that must not be used again (core/build/imageMemory.ts). */
  readonly spoilt: readonly string[];
  /** Tags of the images that KMM has built and signed for this stack. */
  readonly signed: readonly string[];
  /** The Module; undefined when it isn't there. */
  readonly module: LiveModule | undefined;
  /** The signing certificate in PEM; empty before the first `up`. */
  readonly certificate: string;
}

/** What was already read of the cluster. */
interface Known {
  readonly namespace: KubeObject | undefined;
  readonly nodes: readonly RollNode[];
  /** Of all namespaces. */
  readonly modules: readonly (LiveModule & {
    readonly metadata: { readonly name: string; readonly namespace?: string };
  })[];
}

/** Looks for the Module in this namespace, and for what it stands on. No Secret is read but the public certificate's. */
export async function readOwnObjects(
  kubectl: Kubectl,
  { stack, namespace, registry }: Pick<Intent, "stack" | "namespace" | "registry">,
  known: Known,
): Promise<OwnObjects> {
  const module = known.modules.find(({ metadata }) => metadata.name === moduleName && metadata.namespace === namespace);
  const memory = imageMemoryOf(known.namespace);
  const [missing, certificate] = await Promise.all([
    module === undefined
      ? orphaned(kubectl, { stack, namespace, registry }, known)
      : missingAmong(kubectl, namespace, standsOn(module)),
    readCertificate(kubectl, namespace, module && certSecretOf(module)),
  ]);
  return {
    missing: Object.values(missing),
    spoilt: memory.spoilt,
    signed: Object.keys(memory.signed),
    remade: remadeAt(timestamp(), missing, known.namespace?.metadata.annotations),
    module,
    certificate,
  };
}

const missingAmong = async (kubectl: Kubectl, namespace: string, wanted: ObjectNames): Promise<ObjectNames> =>
  missingOf(wanted, await kubectl.existing(Object.values(wanted), namespace));

/** A node gets its version label while the Module exists, and loses it before the Module goes. */
async function orphaned(
  kubectl: Kubectl,
  { stack, namespace, registry }: Pick<Intent, "stack" | "namespace" | "registry">,
  known: Known,
): Promise<ObjectNames> {
  const label = kmm.versionLabel(namespace, moduleName);
  if (!known.nodes.some(({ metadata }) => metadata.labels?.[label] !== undefined)) return {};
  const wanted = orphans(registry !== undefined);
  if (known.namespace === undefined) return { namespace: `namespace/${namespace}`, ...wanted };
  const where = ["-n", namespace, "-l", `${labels.stack}=${stack}`, "-o", "name"];
  return missingOf(wanted, (await kubectl.run(["get", kindsOf(wanted), ...where])).split("\n"));
}

const kindsOf = (objects: ObjectNames): string =>
  [...new Set(Object.values(objects).map((name) => name.split("/")[0]))].join(",");

async function readCertificate(kubectl: Kubectl, namespace: string, name: string | undefined): Promise<string> {
  if (name === undefined) return "";
  const secret = await kubectl.get<KubeObject & { data?: { cert?: string } }>("secrets", name, namespace);
  return Buffer.from(secret?.data?.cert ?? "", "base64").toString("utf8");
}
