import { readdir } from "node:fs/promises";
import { applyObjects, Kube, readObjects } from "../kube.ts";

/** The folders, in the order in which they must be applied. */
const FOLDERS = ["crds/", "fixtures/"];

/**
 * Gives the cluster OpenShift's types and the objects by which a 4.19 cluster is known (every YAML file in `crds/`,
 * then in `fixtures/`). Can be run again.
 */
export async function installOpenshift(kubeconfig: string): Promise<void> {
  const kube = await Kube.fromKubeconfig(kubeconfig);
  for (const folder of FOLDERS) {
    const base = new URL(folder, import.meta.url);
    for (const file of (await readdir(base)).sort()) await applyObjects(kube, await readObjects(new URL(file, base)));
  }
  kube.close();
}
