/**
 * Why OpenShift doesn't start a Build. A Build itself says little (`status.reason`, `status.message`, while it is New);
 * the scheduler and the kubelet say the rest on its pod, `<build>-build`, and in events. Pure, from what the step has read.
 */

export interface WaitingBuild {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly phase?: string; readonly reason?: string; readonly message?: string };
}

export interface BuildPod {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
}

export interface EventObject {
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

/** What is known around a Build that doesn't run. */
export interface BuildSurroundings {
  readonly pod?: BuildPod | undefined;
  /** Of its namespace, whatever they are about. */
  readonly events: readonly EventObject[];
  /** Names of earlier Builds of the same BuildConfig that haven't ended: they run one after the other. */
  readonly earlier: readonly string[];
}

/** Reasons for which every container waits for a while. */
const ordinary = ["ContainerCreating", "PodInitializing"];

/** The name of a Build's pod. */
export const podOf = ({ metadata: { name } }: WaitingBuild): string => `${name}-build`;

/** The most certain cause first; undefined while none is known. */
export function whyBuildWaits(build: WaitingBuild, around: BuildSurroundings): string | undefined {
  const { reason, message } = build.status ?? {};
  if (around.earlier.length > 0) return `waits for ${around.earlier.join(", ")}, which must end first`;
  const causes = [podCause(around.pod), warning(build, around.events), said(reason, message)];
  return causes.find((cause) => cause !== undefined);
}

function podCause(pod: BuildPod | undefined): string | undefined {
  const unscheduled = pod?.status?.conditions?.find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  if (unscheduled?.message !== undefined) return `no node takes its pod: ${unscheduled.message}`;
  const containers = [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])];
  return containers
    .map(({ state }) => state?.waiting)
    .filter((waiting) => waiting?.reason !== undefined && !ordinary.includes(waiting.reason))
    .map((waiting) => said(waiting?.reason, waiting?.message))[0];
}

/** The newest one: an exceeded quota, a Secret that can't be mounted, a network that can't be set up. */
function warning(build: WaitingBuild, events: readonly EventObject[]): string | undefined {
  const about = [build.metadata.name, podOf(build)];
  const newest = events
    .filter(({ type, involvedObject: { kind, name } }) => {
      return type === "Warning" && ["Build", "Pod"].includes(kind) && about.includes(name);
    })
    .toSorted((one, other) => timeOf(one) - timeOf(other))
    .at(-1);
  return newest && said(newest.reason, newest.message);
}

const timeOf = ({ lastTimestamp, eventTime }: EventObject): number => Date.parse(lastTimestamp ?? eventTime ?? "") || 0;

function said(...parts: readonly (string | undefined)[]): string | undefined {
  const text = parts.filter((part) => part !== undefined && part !== "").join(": ");
  return text === "" ? undefined : text;
}
