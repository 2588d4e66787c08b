import {
  buildTrouble,
  kernelsWithoutToolkit,
  neededObjects,
  type BuildingModule,
  type BuildTrouble,
  type ObjectName,
  type PullPod,
} from "../../core/build/buildTrouble.ts";
import type { BuildObject } from "../../core/build/moduleBuild.ts";
import { kmm } from "../../core/names.ts";
import { whatItSays } from "./builds.ts";
import { readToolkitTags } from "./imageStream.ts";
import type { RollNode } from "../../core/node/nodeState.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { whyWaiting } from "./waitingBuild.ts";

/** What a look at a stalled build needs. */
export interface StalledBuild {
  readonly namespace: string;
  readonly module: string;
  readonly kernels: readonly string[];
  readonly builds: readonly BuildObject[];
}

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** Looks for why KMM's build doesn't move; undefined when everything that it needs is there. */
export async function whyStalled(kubectl: Kubectl, stalled: StalledBuild): Promise<BuildTrouble | undefined> {
  const { namespace, module: name, builds } = stalled;
  const module = await kubectl.get<KubeObject & BuildingModule>("modules.kmm.sigs.x-k8s.io", name, namespace);
  if (module === undefined) {
    return {
      text: `somebody deleted the Module ${namespace}/${name}`,
      remedy: "run `pulumi up` again, which creates it again",
      final: true,
      error: "OKMM-MODULE-MISSING",
    };
  }
  const needed = neededObjects(module);
  const [missing, pullPods, toolkitless] = await Promise.all([
    absent(kubectl, namespace, needed),
    kubectl.list<KubeObject & PullPod>("pods", "-n", namespace, "-l", `${kmm.imageOwnerLabel}=${name}`),
    withoutToolkit(kubectl, stalled, needed),
  ]);
  const waiting = builds.filter(({ status }) => ["New", "Pending"].includes(status?.phase ?? "New"));
  const pendingBuilds = await Promise.all(
    waiting.map(async (build) => {
      const why = await whyWaiting(kubectl, namespace, build);
      return { name: build.metadata.name, why: why ?? (whatItSays(build) || "New") };
    }),
  );
  return buildTrouble({ namespace, missing, pullPods, pendingBuilds, kernelsWithoutToolkit: toolkitless });
}

/** By name only: what is in a Secret is none of our business. */
async function absent(kubectl: Kubectl, namespace: string, needed: readonly ObjectName[]): Promise<ObjectName[]> {
  if (needed.length === 0) return [];
  const found = await kubectl.run(["get", ...needed, "-n", namespace, "-o", "name", "--ignore-not-found"]);
  const names = found.split("\n");
  return needed.filter((object) => !names.includes(object));
}

/** The Driver Toolkit is asked for by the word `DTK_AUTO` in the Dockerfile. */
async function withoutToolkit(
  kubectl: Kubectl,
  { namespace, kernels }: StalledBuild,
  needed: readonly ObjectName[],
): Promise<string[]> {
  const configMaps = needed.filter((object) => object.startsWith("configmap/"));
  const dockerfiles = await Promise.all(
    configMaps.map((object) => kubectl.get<ConfigMap>("configmaps", object.slice("configmap/".length), namespace)),
  );
  if (!dockerfiles.some((each) => Object.values(each?.data ?? {}).some((text) => text.includes("DTK_AUTO")))) return [];
  const [nodes, tags] = await Promise.all([kubectl.list<KubeObject & RollNode>("nodes"), readToolkitTags(kubectl)]);
  return kernelsWithoutToolkit(kernels, nodes, tags);
}
