import { INTERNAL_REGISTRY } from "../openshift/imageReference.ts";
import { OutsideRegistry } from "../openshift/outsideRegistry.ts";
import type { Registry } from "../openshift/registry.ts";
import type { Switches } from "../switches.ts";
import { isNotFound, keyOf, Kube, splitKey, WorkQueue, type Informer } from "../kube.ts";
import { readsHostFiles, runHostPod } from "./hostPod.ts";
import { pull } from "./images.ts";
import type { Machine, StoredImage } from "./machine.ts";
import { containerStatus, endedStatus, isOver, podStatus, terminated, waiting } from "./podStatus.ts";
import { PODS, type Container, type ContainerStatus, type Pod } from "./shapes.ts";
import type { MachineStore } from "./store.ts";
import { runWorker, WORKER, workerConfig, type WorkerResult } from "./worker.ts";

/** KMM's label on the pods with which it tests whether an image exists. */
const PULL_POD_LABEL = "kmm.node.kubernetes.io/pull-pod-type";

/** Pauses between tries, doubled each time. A real kubelet waits 10 s to 5 min: ten times as long. */
const BACKOFF_MS = { first: 1000, most: 30_000 };
/** A container's first restart comes almost at once. */
const FIRST_RESTART_MS = 100;

const isKmmPod = (pod: Pod): boolean =>
  pod.metadata.labels?.[PULL_POD_LABEL] !== undefined || pod.metadata.labels?.[WORKER.action] !== undefined;

/** Is this one of the pods that KMM makes, or one that reads its node's files? kwok plays all others. */
export const isPlayedHere = (pod: Pod): boolean => isKmmPod(pod) || readsHostFiles(pod);

/** What the kubelet's part needs of its surroundings. */
export interface KubeletOptions {
  kube: Kube;
  store: MachineStore;
  registry: Registry;
  switches: Switches;
  pods: Informer<Pod>;
  /** Without one of these the internal registry answers nobody. */
  registryPods: { readonly serve: boolean };
  /** Runs KMM's worker on a machine that isn't played. Default: on the model. */
  work?: (machine: Machine, pod: Pod, image: StoredImage) => Promise<WorkerResult>;
  log: (line: string) => void;
}

/** The tries of one pod that is still at it. */
interface Attempts {
  failures: number;
  /** Not before this time (milliseconds since 1970). */
  next: number;
}

/**
 * The kubelets of all nodes, for KMM's own pods and those that read a node's files (`hostPod.ts`): images come from the registry's records, `kmod load` and `kmod unload`
 * run against the machine, failures are repeated with a back-off as `restartPolicy: OnFailure` asks. A node that isn't
 * running leaves its pods as they are.
 */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #queue: WorkQueue;
  readonly #attempts = new Map<string, Attempts>();
  readonly #logs = new Map<string, string>();

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      reconcile: (key) => this.#reconcile(key),
      failed: (key, error) => options.log(`pod ${key}: ${error instanceof Error ? error.message : String(error)}`),
      firstMs: 50,
      mostMs: 5000,
    });
  }

  /** To be called at each change of a pod. */
  changed(pod: Pod): void {
    if (isPlayedHere(pod) && pod.spec?.nodeName !== undefined) this.#queue.add(keyOf(pod));
  }

  /** To be called when a pod is gone. */
  deleted(pod: Pod): void {
    this.#attempts.delete(pod.metadata.uid ?? "");
    this.#logs.delete(pod.metadata.uid ?? "");
  }

  /** To be called when the node's kubelet has come up: its pods start over. */
  nodeStarted(node: string): void {
    for (const pod of this.#options.pods.list()) {
      if (pod.spec?.nodeName !== node || !isPlayedHere(pod)) continue;
      this.#attempts.delete(pod.metadata.uid ?? "");
      this.#queue.add(keyOf(pod));
    }
  }

  /** What the pod's container printed last; undefined for a pod that has not run here. */
  logOf(namespace: string, name: string): string | undefined {
    const pod = this.#options.pods.get(`${namespace}/${name}`);
    return this.#logs.get(pod?.metadata.uid ?? "");
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
  }

  async #reconcile(key: string): Promise<void> {
    const pod = this.#options.pods.get(key);
    const machine = this.#options.store.get(pod?.spec?.nodeName ?? "");
    if (pod === undefined || machine?.power !== "running") return;
    if (pod.metadata.deletionTimestamp !== undefined) await this.#finish(pod);
    else if (!isOver(pod)) await this.#play(machine, pod);
  }

  async #play(machine: Machine, pod: Pod): Promise<void> {
    const pause = (this.#attempts.get(pod.metadata.uid ?? "")?.next ?? 0) - Date.now();
    if (pause > 0) this.#queue.addAfter(keyOf(pod), pause);
    else if (!isKmmPod(pod)) await this.#playHostPod(machine, pod);
    else if (pod.metadata.labels?.[WORKER.action] === undefined) await this.#playPullPod(machine, pod);
    else await this.#playWorker(machine, pod);
  }

  /** Kills the containers, says the last word, and lets the object go (its finalizers may still hold it). */
  async #finish(pod: Pod): Promise<void> {
    if (!isOver(pod)) await this.#report(pod, endedStatus(pod));
    if (pod.metadata.deletionGracePeriodSeconds === 0) return;
    const preconditions = { uid: pod.metadata.uid };
    await this.#options.kube.delete(PODS, targetOf(pod), { gracePeriodSeconds: 0, preconditions });
  }

  async #playPullPod(machine: Machine, pod: Pod): Promise<void> {
    const [container] = pod.spec?.containers ?? [];
    if (container === undefined) return;
    const image = await this.#pull(machine, pod, container);
    if (!("digest" in image)) return this.#report(pod, podStatus("Pending", { main: [image] }));
    const ended = containerStatus(container, terminated(0), { image });
    await this.#report(pod, podStatus("Succeeded", { main: [ended] }));
  }

  async #playHostPod(machine: Machine, pod: Pod): Promise<void> {
    const [container] = pod.spec?.containers ?? [];
    if (container === undefined) return;
    const image = await this.#pull(machine, pod, container);
    if (!("digest" in image)) return this.#report(pod, podStatus("Pending", { main: [image] }));
    await this.#report(pod, runHostPod(pod, image, this.#options.store.rootOf(machine)));
  }

  async #playWorker(machine: Machine, pod: Pod): Promise<void> {
    const [extractor] = pod.spec?.initContainers ?? [];
    const [worker] = pod.spec?.containers ?? [];
    if (extractor === undefined || worker === undefined) throw new Error("not a worker pod as KMM makes it");
    const hanging = containerStatus(worker, waiting("PodInitializing"));
    const image = await this.#pull(machine, pod, extractor);
    if (!("digest" in image)) return this.#report(pod, podStatus("Pending", { init: [image], main: [hanging] }));
    const { kernelVersion, modprobe } = workerConfig(pod);
    const directory = `${modprobe.dirName ?? "/opt"}/lib/modules/${kernelVersion}`;
    if (!image.paths.some((path) => path.startsWith(`${directory}/`))) {
      const init = this.#failed(pod, extractor, {
        code: 1,
        log: `cp: cannot stat '${directory}': No such file or directory\n`,
      });
      return this.#report(pod, podStatus("Pending", { init: [init], main: [hanging] }));
    }
    const extracted = containerStatus(extractor, terminated(0), { image });
    const result = await this.#run(machine, pod, image);
    const status = result.code === 0 ? containerStatus(worker, terminated(0)) : this.#failed(pod, worker, result);
    const phase = result.code === 0 ? "Succeeded" : "Running";
    await this.#report(pod, podStatus(phase, { init: [extracted], main: [status] }));
  }

  /** Runs the worker and keeps what it did to the machine. */
  async #run(machine: Machine, pod: Pod, image: StoredImage): Promise<WorkerResult> {
    const busy = this.#options.switches.matches("node.in-use", machine.spec.name);
    const { work } = this.#options;
    const result = work ? await work(machine, pod, image) : runWorker(machine, pod, image, { busy });
    this.#options.store.save(machine);
    this.#logs.set(pod.metadata.uid ?? "", result.log);
    this.#options.log(`${machine.spec.name}: ${pod.metadata.name ?? ""} ended with ${result.code}`);
    return result;
  }

  /** The image in the node's storage, or the status of the container that waits for it. */
  async #pull(machine: Machine, pod: Pod, container: Container): Promise<StoredImage | ContainerStatus> {
    const { kube, registry, registryPods, switches, store } = this.#options;
    const failing = (image: string): boolean =>
      switches.matches("pull.fail", image) || (image.startsWith(INTERNAL_REGISTRY) && !registryPods.serve);
    const before = machine.images[container.image];
    const policy = container.imagePullPolicy;
    const secret = { namespace: pod.metadata.namespace ?? "", name: pod.spec?.imagePullSecrets?.[0]?.name };
    const outside = (image: string) => new OutsideRegistry(kube).pull(image, secret);
    const result = await pull({ machine, image: container.image, policy, registry, outside, failing });
    if ("digest" in result) {
      if (before?.digest !== result.digest) store.save(machine);
      return result;
    }
    const again = this.#again(pod) > 1 && result.reason === "ErrImagePull";
    const reason = again ? "ImagePullBackOff" : result.reason;
    const message = again ? `Back-off pulling image "${container.image}": ${result.message}` : result.message;
    return containerStatus(container, waiting(reason, message));
  }

  /** Counts a failure and plans the next try; answers how many there have been. */
  #again(pod: Pod): number {
    const uid = pod.metadata.uid ?? "";
    const failures = (this.#attempts.get(uid)?.failures ?? restartsOf(pod)) + 1;
    const backoff = Math.min(BACKOFF_MS.first * 2 ** Math.max(failures - 2, 0), BACKOFF_MS.most);
    const pause = failures === 1 ? FIRST_RESTART_MS : backoff;
    this.#attempts.set(uid, { failures, next: Date.now() + pause });
    this.#queue.addAfter(keyOf(pod), pause);
    return failures;
  }

  /** The status of a container that failed and will be restarted. */
  #failed(pod: Pod, container: Container, result: WorkerResult): ContainerStatus {
    const restartCount = this.#again(pod) - 1;
    this.#logs.set(pod.metadata.uid ?? "", result.log);
    const fallback = container.terminationMessagePolicy === "FallbackToLogsOnError";
    const lastState = terminated(result.code, fallback ? result.log : undefined);
    const message = `back-off restarting failed container=${container.name} pod=${pod.metadata.name ?? ""}`;
    return containerStatus(container, waiting("CrashLoopBackOff", message), { restartCount, lastState });
  }

  /** Posts a status; a pod that has gone in the meantime needs none. */
  async #report(pod: Pod, status: Record<string, unknown>): Promise<void> {
    try {
      // The kubelet says once when it saw the pod first.
      const news = pod.status?.startTime === undefined ? status : { ...status, startTime: pod.status.startTime };
      await this.#options.kube.patchStatus(PODS, targetOf(pod), news);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const targetOf = (pod: Pod): { name: string; namespace?: string } => splitKey(keyOf(pod));

/** Failures that the pod's status tells of, for a kubelet that was restarted itself. */
const restartsOf = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
