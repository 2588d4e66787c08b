import { objectIn } from "../cluster/kubeJson.ts";
import { hasEnded, type BuildObject } from "../../core/build/moduleBuild.ts";
import { buildStartSeconds } from "../../core/patience.ts";
import { cancelBuilds, type BuildLogs } from "./builds.ts";
import { now } from "../lib/clock.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { failedFor } from "../cluster/kubectlError.ts";
import { progress, StepError } from "../lib/step.ts";
import type { Look } from "../lib/wait.ts";
import { whyWaiting } from "./waitingBuild.ts";

/** A Build of a BuildConfig; `spec.output` tells which content it is for. */
export interface SourceBuildObject extends KubeObject, BuildObject {
  readonly metadata: KubeObject["metadata"] & BuildObject["metadata"];
  readonly spec: { readonly output?: { readonly to?: { readonly name?: string } } };
  readonly status?: BuildObject["status"] & { readonly output?: { readonly to?: { readonly imageDigest?: string } } };
}

/** Which Build is to be had, and how it gets its context. */
export interface SourceRequest {
  readonly namespace: string;
  /** Label selector of the BuildConfig's Builds. */
  readonly selector: string;
  /** Where it pushes to: `spec.output.to.name`. */
  readonly output: string;
  /** Uploads the context; OpenShift answers, with the Build, only once that runs. */
  readonly upload: (signal: AbortSignal) => Promise<string>;
}

type Upload = { readonly abort: AbortController } & (
  { answer: "none" } | { answer: "build"; readonly name: string } | { answer: "error"; readonly error: unknown }
);

/**
 * A binary build from its upload to its end. The request for it takes as long as the Build takes to start, at most five
 * minutes (OpenShift's `instantiatebinary`), and tells nothing meanwhile: so the Build is looked at beside it.
 */
export class SourceBuild {
  readonly #kubectl: Kubectl;
  readonly #request: SourceRequest;
  readonly #logs: BuildLogs;
  /** UIDs of the Builds that were there before the upload. */
  #old: ReadonlySet<string> | undefined;
  #followed: string | undefined;
  #upload: Upload | undefined;
  #waitsSince = now();
  #why = "";

  constructor(kubectl: Kubectl, request: SourceRequest, logs: BuildLogs) {
    this.#kubectl = kubectl;
    this.#request = request;
    this.#logs = logs;
  }

  /** One look, for `waitUntil`; the first one begins the upload, unless an earlier run has left a Build that runs. */
  async look(): Promise<Look<SourceBuildObject>> {
    // As it was before: the Build that an answer names is in each later list, but needn't be in one that was asked for earlier.
    const answered = this.#upload;
    const builds = await this.#builds();
    if (this.#old === undefined) await this.#begin(builds);
    const upload = answered ?? this.#upload;
    const build = this.#own(builds, upload);
    if (build !== undefined) this.#logs.follow(build);
    // One that ends early is told by itself better than by the request that waited for it.
    if (build !== undefined && hasEnded(build) && !gaveUp(build, upload)) return { done: build };
    requireAlive(build, upload);
    if (upload?.answer === "error") return await this.#again(upload);
    if (build === undefined) return { missing: "OpenShift to make a Build" };
    return { missing: await this.#missing(build, builds) };
  }

  /** Ends the upload, where it still goes on, and with it a Build that would wait for its context. */
  async stop(): Promise<void> {
    if (this.#upload?.answer !== "none") return;
    this.#upload.abort.abort();
    await this.#cancelWaiting();
  }

  async #builds(): Promise<SourceBuildObject[]> {
    const { namespace, selector, output } = this.#request;
    const builds = await this.#kubectl.list<SourceBuildObject>(
      "builds.build.openshift.io",
      "-n",
      namespace,
      "-l",
      selector,
    );
    return builds.filter((build) => !hasEnded(build) || build.spec.output?.to?.name === output);
  }

  async #begin(builds: readonly SourceBuildObject[]): Promise<void> {
    this.#old = new Set(builds.map(({ metadata }) => metadata.uid));
    const left = builds.filter(
      ({ spec, status }) => spec.output?.to?.name === this.#request.output && status?.phase === "Running",
    );
    this.#followed = left.at(-1)?.metadata.uid;
    if (this.#followed !== undefined) return;
    // Cut off from its upload none of them can start any more, and OpenShift runs them one after the other.
    await this.#cancelWaiting();
    this.#send();
  }

  #send(): void {
    const abort = new AbortController();
    this.#upload = { abort, answer: "none" };
    this.#request
      .upload(abort.signal)
      .then((answer) => (objectIn(answer, "create --raw") as SourceBuildObject).metadata)
      .then(
        ({ name }) => (this.#upload = { abort, answer: "build", name }),
        (error: unknown) => (this.#upload = { abort, answer: "error", error }),
      );
  }

  #own(builds: readonly SourceBuildObject[], upload: Upload | undefined): SourceBuildObject | undefined {
    const { output } = this.#request;
    if (upload?.answer === "build") return builds.find(({ metadata }) => metadata.name === upload.name);
    if (this.#followed !== undefined) return builds.find(({ metadata }) => metadata.uid === this.#followed);
    return builds.filter(({ metadata, spec }) => {
      return this.#old?.has(metadata.uid) === false && spec.output?.to?.name === output;
    })[0];
  }

  /** OpenShift's own five minutes may be less than ours: then the same is asked for again. */
  async #again(upload: Upload & { readonly answer: "error" }): Promise<Look<SourceBuildObject>> {
    const { error } = upload;
    const own = this.#own(await this.#builds(), upload);
    if (own !== undefined && hasEnded(own) && own.status?.phase !== "Cancelled") return { done: own };
    if (!failedFor(error, "Timeout")) throw notUploaded(error, this.#request.namespace);
    await this.#cancelWaiting();
    this.#old = new Set((await this.#builds()).map(({ metadata }) => metadata.uid));
    this.#send();
    return { missing: `another Build: OpenShift gave up waiting for the last one's start${this.#why}` };
  }

  async #missing(build: SourceBuildObject, builds: readonly SourceBuildObject[]): Promise<string> {
    const phase = build.status?.phase ?? "New";
    if (!["New", "Pending"].includes(phase)) {
      [this.#waitsSince, this.#why] = [now(), ""];
    } else if (now() - this.#waitsSince >= buildStartSeconds * 1000) {
      this.#waitsSince = now();
      const earlier = builds
        .filter((other) => other !== build && !hasEnded(other))
        .map(({ metadata }) => metadata.name);
      const why = await whyWaiting(this.#kubectl, this.#request.namespace, build, phase === "New" ? earlier : []);
      this.#why = ` (${why ?? "OpenShift gives no reason"})`;
    }
    return `${build.metadata.name} ${phase}${this.#why}`;
  }

  async #cancelWaiting(): Promise<void> {
    const cancelled = await cancelBuilds(this.#kubectl, this.#request.namespace, this.#request.selector);
    if (cancelled.length > 0) progress("cancelled: without its upload a Build can't continue");
  }
}

/** Whether OpenShift has cancelled it while its upload waited: that is answered by the request. */
const gaveUp = ({ status }: SourceBuildObject, upload: Upload | undefined): boolean =>
  status?.phase === "Cancelled" && upload !== undefined && upload.answer !== "build";

function requireAlive(build: SourceBuildObject | undefined, upload: Upload | undefined): void {
  if (build !== undefined || (upload !== undefined && upload.answer !== "build")) return;
  const name = upload?.name ?? "of an earlier run";
  throw new StepError("OKMM-SOURCE-DELETED", `Build ${name} was deleted while it ran; run \`pulumi up\` again`);
}

function notUploaded(error: unknown, namespace: string): unknown {
  if (!(error instanceof StepError)) return error;
  return new StepError(
    "OKMM-SOURCE-START",
    `the source build could not be started: ${error.message}; look at \`kubectl -n ${namespace} get builds,pods,events\`, fix the ` +
      "cause and run `pulumi up` again",
  );
}
