import type { ErrorId } from "../errors.ts";
import type { RollNode } from "../node/nodeState.ts";
import { normalizeKernel } from "./imageTag.ts";

/**
 * What keeps KMM from building when nothing moves. KMM 2.4 itself reports none of it: no event, no status, no condition
 * (observed; docs/kmm.md). Pure, from what the step has read.
 */

/** KMM's pod that tests whether an image exists. */
export interface PullPod {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly containerStatuses?: readonly {
      readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
    }[];
  };
}

/** A Module, as far as it names what its builds need. */
export interface BuildingModule {
  readonly spec: {
    readonly imageRepoSecret?: { readonly name: string };
    readonly moduleLoader?: {
      readonly container?: {
        readonly kernelMappings?: readonly {
          readonly build?: {
            readonly dockerfileConfigMap?: { readonly name: string };
            readonly secrets?: readonly { readonly name: string }[];
          };
          readonly sign?: {
            readonly keySecret?: { readonly name: string };
            readonly certSecret?: { readonly name: string };
          };
        }[];
      };
    };
  };
}

/** An object in the Module's namespace, as `configmap/NAME`. */
export type ObjectName = `${"configmap" | "secret"}/${string}`;

export interface StalledView {
  readonly namespace: string;
  /** What the Module names and the namespace doesn't have. */
  readonly missing: readonly ObjectName[];
  readonly pullPods: readonly PullPod[];
  /** Builds that OpenShift hasn't started yet, and what it says about that, if anything. */
  readonly pendingBuilds: readonly { readonly name: string; readonly why: string }[];
  /** Kernels to build for that no Driver Toolkit fits; empty where the Dockerfile doesn't ask for one. */
  readonly kernelsWithoutToolkit: readonly string[];
}

export type BuildTrouble = {
  readonly text: string;
  readonly remedy: string;
} & (
  | { readonly final: false }
  /** Waiting can't help: nothing that KMM or OpenShift does will fix it. */
  | { readonly final: true; readonly error: ErrorId }
);

/** Everything that the Module's builds need by name. */
export function neededObjects(module: BuildingModule): ObjectName[] {
  const mappings = module.spec.moduleLoader?.container?.kernelMappings ?? [];
  const needed = mappings.flatMap(({ build, sign }) => [
    ...named("configmap", build?.dockerfileConfigMap),
    ...(build?.secrets ?? []).flatMap((secret) => named("secret", secret)),
    ...named("secret", sign?.keySecret),
    ...named("secret", sign?.certSecret),
  ]);
  return [...new Set([...needed, ...named("secret", module.spec.imageRepoSecret)])];
}

const named = (kind: "configmap" | "secret", object: { readonly name: string } | undefined): ObjectName[] =>
  object === undefined ? [] : [`${kind}/${object.name}`];

/** Why nothing moves, the surest cause first; undefined when all looks well. */
export function buildTrouble(view: StalledView): BuildTrouble | undefined {
  const { namespace, missing, kernelsWithoutToolkit, pendingBuilds } = view;
  if (missing.length > 0) {
    return {
      text: `somebody deleted what KMM needs in namespace ${namespace}: ${missing.join(", ")}`,
      remedy: "run `pulumi up` again, which creates it again",
      final: true,
      error: "OKMM-OBJECTS-DELETED",
    };
  }
  if (kernelsWithoutToolkit.length > 0) {
    return {
      text: `no Driver Toolkit image for ${kernelsWithoutToolkit.join(", ")}: the ImageStream openshift/driver-toolkit has no tag for its nodes' OS version`,
      remedy: "finish the cluster's upgrade, or set onload-kmm:build.strategy to entitled-ubi",
      final: true,
      error: "OKMM-BUILD-TOOLKIT",
    };
  }
  const hung = view.pullPods.flatMap((pod) => pullPodTrouble(pod, namespace) ?? []);
  if (hung[0] !== undefined) return hung[0];
  if (pendingBuilds.length === 0) return undefined;
  return {
    text: `OpenShift hasn't started ${pendingBuilds.map(({ name, why }) => `${name} (${why})`).join(", ")}`,
    remedy: `see \`kubectl -n ${namespace} describe pod ${pendingBuilds[0]?.name ?? ""}-build\`: a build needs a node with room`,
    final: false,
  };
}

function pullPodTrouble({ metadata, status }: PullPod, namespace: string): BuildTrouble | undefined {
  const pod = `${metadata.name}, with which KMM looks for the image,`;
  const hung = status === undefined ? undefined : hungForEver(status);
  if (hung !== undefined) {
    const remove = `kubectl -n ${namespace} delete pod ${metadata.name}`;
    return {
      text: `${pod} ${hung}`,
      remedy: `fix it, then \`${remove}\`: KMM makes no other one while it is there`,
      final: true,
      error: "OKMM-BUILD-PULLPOD",
    };
  }
  if (status?.phase !== "Pending") return undefined;
  return {
    text: `${pod} doesn't start: ${whyPending(status)}`,
    remedy: "KMM's test pods tolerate no taint: make at least one node schedulable for it (uncordon one)",
    final: false,
  };
}

type PodStatus = NonNullable<PullPod["status"]>;

const waitingOf = (status: PodStatus) => status.containerStatuses?.[0]?.state?.waiting;

function hungForEver(status: PodStatus): string | undefined {
  if (status.phase === "Failed") return "failed";
  const waiting = waitingOf(status);
  return waiting?.reason === "InvalidImageName" ? `hangs: InvalidImageName: ${waiting.message ?? ""}` : undefined;
}

function whyPending(status: PodStatus): string {
  const unscheduled = status.conditions?.find((each) => each.type === "PodScheduled" && each.status === "False");
  return unscheduled?.message ?? waitingOf(status)?.reason ?? "no node has taken it";
}

/** The OS version in `nodeInfo.osImage`, by which the Driver Toolkit's tags are named (KMM's own pattern). */
const osVersion = /\d+\.\d+\.\d+-\d/;

/** Of a Node, what it runs. */
interface RunningKernel {
  readonly status: { readonly nodeInfo: Pick<RollNode["status"]["nodeInfo"], "kernelVersion" | "osImage"> };
}

/** Kernels among `kernels` of whose nodes' OS versions the ImageStream has no tag; `latest` doesn't count. */
export function kernelsWithoutToolkit(
  kernels: readonly string[],
  nodes: readonly RunningKernel[],
  tags: readonly string[],
): string[] {
  const versions = new Set(tags.map((tag) => osVersion.exec(tag)?.[0]).filter((version) => version !== undefined));
  return kernels.filter((kernel) => {
    const running = nodes.filter(
      ({ status }) => normalizeKernel(status.nodeInfo.kernelVersion) === normalizeKernel(kernel),
    );
    return !running.some(({ status }) => versions.has(osVersion.exec(status.nodeInfo.osImage ?? "")?.[0] ?? ""));
  });
}
