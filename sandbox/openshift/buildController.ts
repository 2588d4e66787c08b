import { rmSync } from "node:fs";
import { Informer, isObjectMissing, keyOf, KubeError, type Resource, WorkQueue } from "../kube.ts";
import type { Running } from "../gateway/gateway.ts";
import { makeWaitingPod, removeWaitingPod } from "./buildPod.ts";
import { buildFiles } from "./buildFiles.ts";
import { type BuildEnvironment, runBuild } from "./buildJob.ts";
import { readMounts } from "./buildMounts.ts";
import { outputReference } from "./buildOutput.ts";
import { pruneHistory, waitsForEarlierBuild } from "./buildHistory.ts";
import {
  type Build,
  type BuildConfig,
  buildConfigs,
  type BuildStatus,
  builds,
  imageStreams,
  isTerminal,
} from "./resources.ts";

/** How soon a Build that can't go on yet (missing Secret, earlier build, …) is looked at again. */
const RETRY_MS = 200;

const serviceAccounts: Resource = {
  group: "",
  version: "v1",
  plural: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
};

/**
 * OpenShift's build controller: takes every Build from New over Pending and Running to its end. There are no build
 * pods; what a pod would wait for (service account, Secrets, its turn) is waited for here.
 */
export async function startBuildController(env: BuildEnvironment): Promise<Running> {
  const controller = new BuildController(env);
  await controller.ready();
  return controller;
}

interface Job {
  abort: AbortController;
  done: Promise<void>;
}

class BuildController implements Running {
  readonly #env: BuildEnvironment;
  readonly #queue: WorkQueue;
  readonly #builds: Informer<Build>;
  readonly #configs: Informer<BuildConfig>;
  readonly #stopSwitches: () => void;
  /** By the Build's UID; an ended job stays until the Build is seen to have ended. */
  readonly #jobs = new Map<string, Job>();
  /** UIDs of Builds whose pod no node takes. */
  readonly #held = new Set<string>();
  #stopping = false;

  constructor(env: BuildEnvironment) {
    this.#env = env;
    this.#queue = new WorkQueue({
      reconcile: (key) => this.#reconcile(key),
      failed: (key, error) => this.#log(key, error),
      mostMs: 2_000,
    });
    this.#builds = new Informer(env.kube, builds, {
      changed: (build) => this.#queue.add(keyOf(build)),
      deleted: (build) => this.#forget(build),
    });
    this.#configs = new Informer(env.kube, buildConfigs);
    this.#stopSwitches = env.switches.onChange(() =>
      this.#builds.list().forEach((build) => this.#queue.add(keyOf(build))),
    );
  }

  async ready(): Promise<void> {
    await Promise.all([this.#builds.synced(), this.#configs.synced()]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopSwitches();
    await Promise.all([this.#builds.stop(), this.#configs.stop(), this.#queue.stop()]);
    for (const job of this.#jobs.values()) job.abort.abort();
    await Promise.all([...this.#jobs.values()].map((job) => job.done));
  }

  #log(key: string, error: unknown): void {
    if (!this.#stopping)
      console.error(`openshift: build ${key}: ${error instanceof Error ? error.message : String(error)}`);
  }

  #forget(build: Build): void {
    this.#jobs.get(build.metadata.uid ?? "")?.abort.abort();
    this.#jobs.delete(build.metadata.uid ?? "");
    rmSync(buildFiles(this.#env.stateDir, build).directory, { recursive: true, force: true });
  }

  async #reconcile(key: string): Promise<void> {
    const build = this.#builds.get(key);
    if (build === undefined) return;
    const job = this.#jobs.get(build.metadata.uid ?? "");
    if (isTerminal(build)) {
      this.#jobs.delete(build.metadata.uid ?? "");
      await this.#letGo(build);
      await pruneHistory(this.#env.kube, build, { configs: this.#configs, builds: this.#builds.list() });
      this.#wakeWaiting(build);
    } else if (build.status?.cancelled === true) {
      if (job === undefined) await this.#end(build, CANCELLED);
      else job.abort.abort();
    } else if (job === undefined) {
      await this.#advance(build);
    }
  }

  /** One step from New to Running; a Build that has to wait comes back. */
  async #advance(build: Build): Promise<void> {
    const phase = build.status?.phase ?? "New";
    if (phase === "New") await this.#admit(build);
    else if (phase === "Pending") await this.#start(build);
    else await this.#resume(build);
  }

  async #admit(build: Build): Promise<void> {
    const obstacle = await this.#obstacle(build);
    if (obstacle === undefined) {
      const reference = outputReference(build);
      const output = reference === undefined ? {} : { outputDockerImageReference: reference };
      await this.#setStatus(build, { phase: "Pending", reason: null, message: null, ...output });
      return;
    }
    const { reason, message } = build.status ?? {};
    if (obstacle.reason !== reason || obstacle.message !== message) await this.#setStatus(build, obstacle);
    this.#queue.addAfter(keyOf(build), RETRY_MS);
  }

  /** What keeps a New build from getting its pod. */
  async #obstacle(build: Build): Promise<{ reason?: string; message?: string } | undefined> {
    if (waitsForEarlierBuild(build, this.#builds.list())) return {};
    const { namespace = "" } = build.metadata;
    const to = build.spec.output?.to;
    if (to?.kind === "ImageStreamTag") {
      const target = { namespace: to.namespace ?? namespace, name: to.name.split(":")[0] ?? "" };
      if ((await this.#env.kube.find(imageStreams, target)) === undefined) {
        return { reason: "InvalidOutputReference", message: "Output image could not be resolved." };
      }
    }
    const account = build.spec.serviceAccount ?? "builder";
    if ((await this.#env.kube.find(serviceAccounts, { namespace, name: account })) === undefined) {
      return { reason: "CannotCreateBuildPod", message: "Failed creating build pod." };
    }
    return undefined;
  }

  async #start(build: Build): Promise<void> {
    const held = this.#env.switches.matches("build.pending", keyOf(build));
    const mounts = held ? undefined : await readMounts(this.#env.kube, build);
    if (held && !this.#held.has(build.metadata.uid ?? "")) {
      this.#held.add(build.metadata.uid ?? "");
      await makeWaitingPod(this.#env.kube, build);
    }
    if (mounts === undefined) {
      this.#queue.addAfter(keyOf(build), RETRY_MS);
      return;
    }
    await this.#letGo(build);
    this.#run(build, mounts);
    await this.#setStatus(build, { phase: "Running", startTimestamp: now() });
  }

  async #letGo(build: Build): Promise<void> {
    if (this.#held.delete(build.metadata.uid ?? "")) await removeWaitingPod(this.#env.kube, build);
  }

  /** A Build that says Running without a job: this process was restarted. */
  async #resume(build: Build): Promise<void> {
    const mounts = await readMounts(this.#env.kube, build);
    if (build.spec.source?.type === "Binary" || mounts === undefined) await this.#end(build, POD_DELETED);
    else this.#run(build, mounts);
  }

  #run(build: Build, mounts: ReadonlyMap<string, Buffer>): void {
    const abort = new AbortController();
    const done = runBuild(this.#env, build, mounts, abort.signal).then(async (status) => {
      if (!this.#stopping) await this.#end(build, status);
    });
    this.#jobs.set(build.metadata.uid ?? "", { abort, done });
  }

  /** Writes the end into the Build, however long the API server is away. */
  async #end(build: Build, status: BuildStatus): Promise<void> {
    const started = Date.parse(this.#builds.get(keyOf(build))?.status?.startTimestamp ?? "") || Date.now();
    const end = { ...status, completionTimestamp: now(), duration: (Date.now() - started) * 1_000_000 };
    for (let pause = 50; !this.#stopping; pause = Math.min(pause * 2, 1_000)) {
      try {
        await this.#setStatus(build, end);
        return;
      } catch (error) {
        // Gone (another may have its name by now), or ended otherwise: nothing to write any more.
        if (isObjectMissing(error) || (error instanceof KubeError && [409, 422].includes(error.status))) return;
        this.#log(keyOf(build), error);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async #setStatus(build: Build, status: Record<string, unknown>): Promise<void> {
    const { name = "", namespace, uid } = build.metadata;
    await this.#env.kube.patch(builds, { name, namespace }, { metadata: { uid }, status });
  }

  #wakeWaiting(ended: Build): void {
    for (const build of this.#builds.list()) {
      if (build.status?.phase === "New" && keyOf(build) !== keyOf(ended)) this.#queue.add(keyOf(build));
    }
  }
}

const CANCELLED: BuildStatus = {
  phase: "Cancelled",
  reason: "CancelledBuild",
  message: "The build was cancelled by the user.",
};

const POD_DELETED: BuildStatus = {
  phase: "Error",
  reason: "BuildPodDeleted",
  message: "The pod for this build was deleted before the build completed.",
};

const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, "Z");
