/** What KMM and OpenShift have of a Module's build, and how the step that follows it is run. */
import { join } from "node:path";
import { FakeCluster, type Given } from "./fakeCluster.ts";

export const kernel = "5.14.0-1.el9.x86_64";
export const image = (tag: string): string =>
  `image-registry.openshift-image-registry.svc:5000/ns/onload-kmod:${tag}-${kernel}`;
const at = (name: string) => ({ name, namespace: "ns" });

export const module: Given = { kind: "Module", metadata: at("onload"), spec: {} };
export const mic = (tag: string, status: string): Given => ({
  kind: "ModuleImagesConfig",
  metadata: at("onload"),
  spec: { images: [{ image: image(tag) }] },
  status: { imagesStates: [{ image: image(tag), status }] },
});
export const mbsc = (...tags: string[]): Given => ({
  kind: "ModuleBuildSignConfig",
  metadata: { ...at("onload"), uid: "round", ownerReferences: [{ uid: "uid-onload" }] },
  spec: { images: tags.map((tag) => ({ image: image(tag) })) },
});
export const pushed = (tag: string, digest: string): Given => ({
  kind: "ImageStream",
  metadata: at("onload-kmod"),
  status: { tags: [{ tag: `${tag}-${kernel}`, items: [{ image: digest }] }] },
});
export const build = (name: string, type: "BuildImage" | "SignImage"): Given => ({
  kind: "Build",
  metadata: {
    ...at(name),
    labels: {
      "kmm.node.kubernetes.io/module.name": "onload",
      "kmm.node.kubernetes.io/target-kernel": kernel,
      "kmm.openshift.io/build.type": type,
    },
    ownerReferences: [{ uid: "round" }],
  },
  status: { phase: "Running" },
});

/** A node that runs the kernel. */
export const node: Given = {
  kind: "Node",
  metadata: { name: "w1" },
  status: { nodeInfo: { kernelVersion: kernel } },
};

/** The shortest time limit that the configuration takes: six seconds. */
export const shortest = 0.1;

/** Follows the build of tag t2, for one kernel unless `wanted` says more. */
export const follow = (
  cluster: FakeCluster,
  timeoutMinutes = shortest,
  memory: Record<string, string> = {},
  wanted = [{ kernel, image: image("t2") }],
) => {
  const annotations = { "policy.onload-kmm.io/build.timeoutMinutes": String(timeoutMinutes), ...memory };
  cluster.put({ kind: "Namespace", metadata: { name: "ns", annotations } });
  return cluster.step("followModuleBuild", {
    cluster: cluster.access,
    namespace: "ns",
    module: "onload",
    version: "v2",
    images: wanted,
    logDirectory: join(cluster.directory, "logs"),
  });
};

/** What is left of KMM's own objects, and whether the Module was touched. */
export const left = (cluster: FakeCluster) => ({
  mic: cluster.find("ModuleImagesConfig", "onload") !== undefined,
  mbsc: cluster.find("ModuleBuildSignConfig", "onload") !== undefined,
  touched: cluster.find("Module", "onload")?.metadata.annotations?.["onload-kmm.io/retry"] !== undefined,
});

export const tagOf = (name: string): string => `${name}-${kernel}`;
export const known = (name: string, digest: string) => ({
  "onload-kmm.io/signed": JSON.stringify({ [tagOf(name)]: digest }),
});
export const signed = (name: string, status: string): Given => ({
  ...mbsc(name),
  status: { images: [{ image: image(name), action: "SignImage", status }] },
});
/** KMM 2.7, by its mark. */
export const newest: Given = {
  kind: "CustomResourceDefinition",
  metadata: { name: "modules.kmm.sigs.x-k8s.io" },
  spec: {
    versions: [{ schema: { openAPIV3Schema: { properties: { spec: { properties: { dra: {} } } } } } }],
  },
};

/** The tags that the registry holds, and what is remembered of them. */
export const images = (cluster: FakeCluster) => {
  const { tags = [] } = (cluster.find("ImageStream", "onload-kmod")?.["status"] ?? {}) as { tags?: { tag: string }[] };
  const { annotations = {} } = cluster.find("Namespace", "ns")?.metadata ?? {};
  const memory = (key: string): unknown => JSON.parse(annotations[`onload-kmm.io/${key}`] ?? "null");
  return { tags: tags.map(({ tag }) => tag), signed: memory("signed"), spoilt: memory("spoilt") };
};
