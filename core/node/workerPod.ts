import { kmm } from "../names.ts";

/** The part of KMM's worker pod on one node that shows its troubles. */
export interface WorkerPod {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly status?: {
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name: string;
  readonly restartCount: number;
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
  readonly lastState?: { readonly terminated?: { readonly exitCode?: number; readonly message?: string } };
}

export interface WorkerTrouble {
  readonly text: string;
  /** KMM never replaces a worker that hangs in its init container, whatever is fixed: it must be deleted. */
  readonly hangsForEver: boolean;
}

const pullReasons = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"];

/** What is wrong with a worker pod; undefined when nothing is, yet. KMM itself reports neither of these. */
export function workerTrouble(pod: WorkerPod): WorkerTrouble | undefined {
  const containers = pod.status?.containerStatuses ?? [];
  const pulling = [...(pod.status?.initContainerStatuses ?? []), ...containers].find(isPulling);
  if (pulling !== undefined) {
    const { reason, message } = pulling.state?.waiting ?? {};
    return { text: `${pod.metadata.name} can't pull its image: ${said(reason, message)}`, hangsForEver: true };
  }
  const failing = containers.find(({ restartCount }) => restartCount > 0);
  return failing && { text: failureText(pod, failing), hangsForEver: false };
}

function failureText(pod: WorkerPod, failing: ContainerStatus): string {
  const { exitCode, message } = failing.lastState?.terminated ?? {};
  const why = said(exitCode === undefined ? undefined : `exit code ${exitCode}`, message);
  const times = failing.restartCount === 1 ? "once" : `${failing.restartCount} times`;
  return `${pod.metadata.name} failed ${times}${doing(pod)}: ${why}`;
}

/** Whether KMM has it load or unload. */
function doing({ metadata }: WorkerPod): string {
  const action = metadata.labels?.[kmm.workerActionLabel];
  return action === undefined ? "" : ` to ${action.toLowerCase()}`;
}

const isPulling = ({ state }: ContainerStatus): boolean => pullReasons.includes(state?.waiting?.reason ?? "");

const said = (...parts: (string | undefined)[]): string =>
  parts
    .map((part) => part?.trim())
    .filter((part) => part !== undefined && part !== "")
    .join(": ") || "no reason given";
