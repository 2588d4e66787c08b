/** Small makers of KMM's objects as the follow-up of a build sees them. */
import type { BuildObject, BuildView, WantedImage } from "../../../core/build/moduleBuild.ts";

const kernel = "5.14.0-1.el9.x86_64";
export const realTime = "5.14.0-1.el9.x86_64+rt";
export const leaving = "4.18.0-1.el8.x86_64";
export const image = (tag: string, kernelName: string = kernel): string =>
  `registry:5000/ns/onload-kmod:${tag}-${kernelName.replace("+", "_")}`;
export const want = (tag: string, kernelName: string = kernel): WantedImage => ({
  kernel: kernelName,
  image: image(tag, kernelName),
});

type State = "Exists" | "DoesNotExist" | "NeedsBuilding" | "NeedsSigning" | undefined;
export const mic = (states: Record<string, State>, metadata = {}): BuildView["mic"] => ({
  metadata: { uid: "look-1", ...metadata },
  spec: { images: Object.keys(states).map((each) => ({ image: each })) },
  status: {
    imagesStates: Object.entries(states).map(([each, status]) => ({
      image: each,
      ...(status !== undefined && { status }),
    })),
  },
});
export const mbsc = (
  images: string[],
  metadata: { uid?: string; deletionTimestamp?: string; ownerReferences?: { uid: string }[] } = {},
  ended: { action: "BuildImage" | "SignImage"; status: "Success" | "Failure" }[] = [],
): BuildView["mbsc"] => ({
  metadata: { uid: "round-2", ownerReferences: [{ uid: "look-1" }], ...metadata },
  spec: { images: images.map((each) => ({ image: each })) },
  status: { images: images.flatMap((each) => ended.map((result) => ({ image: each, ...result }))) },
});
export const build = (
  name: string,
  phase?: string,
  more: { owner?: string; kernel?: string; deletionTimestamp?: string } = {},
): BuildObject => ({
  metadata: {
    name,
    uid: `uid-${name}`,
    labels: {
      "kmm.node.kubernetes.io/target-kernel": (more.kernel ?? kernel).replace("+", "_"),
      "kmm.openshift.io/build.type": name.includes("-sign-") ? "SignImage" : "BuildImage",
    },
    ownerReferences: [{ uid: more.owner ?? "round-2" }],
    ...(more.deletionTimestamp !== undefined && { deletionTimestamp: more.deletionTimestamp }),
  },
  ...(phase !== undefined && { status: { phase } }),
});
export const view = (over: Partial<BuildView>): BuildView => ({
  wanted: [want("t2")],
  builds: [],
  pushed: {},
  // What was pushed is known to be signed, unless a row says otherwise.
  signed: over.pushed ?? {},
  oldFailures: new Set(),
  ...over,
});
export const tag = (each: string): string => each.slice(each.lastIndexOf(":") + 1);
