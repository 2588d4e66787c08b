import { readdir } from "node:fs/promises";
import { applyObjects, Kube, readObjects } from "../kube.ts";

/** Gives the cluster KMM's types (every file in `crds/`). Can be run again. */
export async function installKmm(kubeconfig: string): Promise<void> {
  const kube = await Kube.fromKubeconfig(kubeconfig);
  const base = new URL("crds/", import.meta.url);
  for (const file of (await readdir(base)).sort()) await applyObjects(kube, await readObjects(new URL(file, base)));
  kube.close();
}
