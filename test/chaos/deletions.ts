/** What somebody deletes by hand. */
import { kmm, labels, names } from "../../core/names.ts";
import { namespace, type Scene } from "../faults/scene.ts";
import type { Deletable } from "./plan.ts";
import { stack } from "./timeline.ts";

/** The objects, as kubectl is told which to delete. */
type Choice = (node: string) => readonly string[];

const own = ["-n", namespace, "-l", `${labels.stack}=${stack}`];

const choices: Readonly<Record<Exclude<Deletable, "the Leases">, Choice>> = {
  "the Module": () => ["modules.kmm.sigs.x-k8s.io", ...own],
  "the Dockerfile's ConfigMap": () => ["configmaps", ...own],
  "the signing Secrets": () => ["secrets", ...own],
  "the ServiceAccount": () => ["serviceaccounts", ...own],
  "the image streams": () => ["imagestreams.image.openshift.io", ...own],
  "a NodeModulesConfig": (node) => ["nodemodulesconfigs.kmm.sigs.x-k8s.io", node],
  "a worker pod": () => ["pods", "-n", namespace, "-l", kmm.workerActionLabel],
};

/** Deletes it; false when there was nothing. */
export async function deleteByHand(scene: Scene, what: Deletable, node: string): Promise<boolean> {
  const found = what === "the Leases" ? await leasesIn(scene) : choices[what](node);
  if (found.length === 0) return false;
  const said = await scene.kubectl("delete", ...found, "--ignore-not-found", "--wait=false");
  return said.includes("deleted");
}

async function leasesIn(scene: Scene): Promise<string[]> {
  const leases = await scene.list("leases.coordination.k8s.io", "-n", names.leaseNamespace);
  const ours = leases.map(({ metadata }) => metadata.name).filter((name) => name.startsWith("onload-kmm"));
  return ours.length === 0 ? [] : ["leases.coordination.k8s.io", "-n", names.leaseNamespace, ...ours];
}
