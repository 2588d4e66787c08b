import { kmmFeatures, tellingCrds, type CrdObject, type KmmFeatures } from "../../core/cluster/kmmFeatures.ts";
import type { Kubectl, KubeObject } from "./kubectl.ts";

/** What this cluster's KMM does. */
export async function readFeatures(kubectl: Kubectl): Promise<KmmFeatures> {
  const kind = "customresourcedefinitions.apiextensions.k8s.io";
  const crds = await Promise.all(tellingCrds.map((name) => kubectl.get<KubeObject & CrdObject>(kind, name)));
  return kmmFeatures(crds.filter((crd) => crd !== undefined));
}
