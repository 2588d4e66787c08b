import { isAlreadyExists, type Kube, type KubeObject, ownerReference, type Resource } from "../kube.ts";
import { type Build, builds } from "./resources.ts";

interface BuildPod extends KubeObject {
  spec: { nodeSelector: Record<string, string>; restartPolicy: string; containers: { name: string; image: string }[] };
}

const pods: Resource<BuildPod> = { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true };

/** What no node bears: as where a cluster's build defaults name a node selector that nothing fits. */
const nowhere = { "sandbox.onload-kmm.io/builds": "nowhere" };

const targetOf = ({ metadata: { name = "", namespace = "" } }: Build) => ({ name: `${name}-build`, namespace });

/** The pod of a Build that stays Pending, for which no node is found. A Build that runs has none here. */
export async function makeWaitingPod(kube: Kube, build: Build): Promise<void> {
  const labels = { "openshift.io/build.name": build.metadata.name ?? "" };
  const metadata = { ...targetOf(build), labels, ownerReferences: [ownerReference(builds, build)] };
  const containers = [{ name: "docker-build", image: "sandbox/builder" }];
  try {
    await kube.create(pods, { metadata, spec: { nodeSelector: nowhere, restartPolicy: "Never", containers } });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

export const removeWaitingPod = (kube: Kube, build: Build): Promise<void> => kube.delete(pods, targetOf(build));
