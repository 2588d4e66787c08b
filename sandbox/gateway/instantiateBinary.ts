import { createWriteStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Informer, keyOf, type Kube, KubeError, ownerReference } from "../kube.ts";
import { buildFiles } from "../openshift/buildFiles.ts";
import {
  BUILD_CONFIG_LABEL,
  type Build,
  type BuildConfig,
  buildConfigs,
  builds,
  imageStreams,
  isTerminal,
} from "../openshift/resources.ts";
import { answerJson, authorize, type Exchange } from "./answer.ts";

/** How long the server waits, in all, for the output's ImageStream and for the build to run. */
const START_MS = 300_000;
/** How often the server looks for an ImageStream that isn't there yet. */
const POLL_MS = 1_000;
/** Options that change what is built: refused by name, because nothing here would honour them. */
const IGNORED_OPTIONS = ["revision.commit", "revision.message", "revision.authorName", "revision.authorEmail"];

/**
 * `POST …/buildconfigs/NAME/instantiatebinary`: creates the next Build of the BuildConfig, waits until it runs, passes it
 * the body as its context and answers 201 with the Build, which is then still running.
 */
export async function instantiateBinary(kube: Kube, stateDir: string, exchange: Exchange): Promise<void> {
  const { request, response, url, namespace, name } = exchange;
  const group = "build.openshift.io";
  const access = { verb: "create", group, resource: "buildconfigs", subresource: "instantiatebinary", namespace, name };
  await authorize(kube, request, access);
  const asFile = readOptions(url);
  const deadline = Date.now() + START_MS;
  const config = await kube.get(buildConfigs, { namespace, name });
  await untilOutputExists(kube, config, deadline);
  const build = await createBuild(kube, config, asFile);
  try {
    const running = await untilRunning(kube, build, deadline);
    await receiveContext(stateDir, running, exchange);
    answerJson(response, 201, running);
  } catch (error) {
    // Also when the caller has gone: an interrupted upload cancels the build.
    await cancel(kube, build);
    throw error;
  }
}

function readOptions(url: URL): string {
  for (const option of url.searchParams.keys()) {
    if (option === "asFile" || IGNORED_OPTIONS.includes(option)) continue;
    throw badRequest(`unknown option ${option}`);
  }
  return url.searchParams.get("asFile") ?? "";
}

async function untilOutputExists(kube: Kube, config: BuildConfig, deadline: number): Promise<void> {
  const to = config.spec.output?.to;
  if (to?.kind !== "ImageStreamTag") return;
  const target = { namespace: to.namespace ?? config.metadata.namespace, name: to.name.split(":")[0] ?? "" };
  while ((await kube.find(imageStreams, target)) === undefined) {
    if (Date.now() > deadline) throw timeout(`timed out waiting for ImageStream ${target.name}`);
    await sleep(POLL_MS);
  }
}

/** Takes the next number from the BuildConfig and creates the Build that bears it. */
async function createBuild(kube: Kube, config: BuildConfig, asFile: string): Promise<Build> {
  const { namespace = "", name = "" } = config.metadata;
  const next = ({ status, ...rest }: BuildConfig): BuildConfig => ({
    ...rest,
    status: { ...status, lastVersion: (status?.lastVersion ?? 0) + 1 },
  });
  const { status } = await kube.change(buildConfigs, { namespace, name }, next);
  const number = status?.lastVersion ?? 0;
  const { source, strategy, output, serviceAccount = "builder", mountTrustedCA } = config.spec;
  const binary = asFile === "" ? {} : { asFile };
  return kube.create(builds, {
    metadata: {
      name: `${name}-${number}`,
      namespace,
      labels: { ...config.metadata.labels, buildconfig: name, [BUILD_CONFIG_LABEL]: name },
      annotations: { [BUILD_CONFIG_LABEL]: name, "openshift.io/build.number": String(number) },
      ownerReferences: [ownerReference(buildConfigs, config)],
    },
    spec: {
      serviceAccount,
      ...(mountTrustedCA === undefined ? {} : { mountTrustedCA }),
      source: { ...source, type: "Binary", binary },
      ...(strategy === undefined ? {} : { strategy }),
      ...(output === undefined ? {} : { output }),
      triggeredBy: [{ message: "Manually triggered" }],
    },
    status: { phase: "New", config: { kind: "BuildConfig", namespace, name } },
  });
}

/** The Build once it runs. One that ends before is the caller's error (400). */
async function untilRunning(kube: Kube, build: Build, deadline: number): Promise<Build> {
  const { namespace = "", name = "" } = build.metadata;
  const started = Promise.withResolvers<Build>();
  const look = (seen: Build): void => {
    if (seen.status?.phase === "Running") started.resolve(seen);
    else if (isTerminal(seen)) started.reject(badRequest(endedEarly(seen)));
  };
  const gone = (): void => started.reject(badRequest(`build ${name} was deleted`));
  const scope = { namespace, fieldSelector: `metadata.name=${name}` };
  const informer = new Informer(kube, builds, { changed: look, deleted: gone }, scope);
  const timer = setTimeout(
    () => started.reject(timeout(`timed out waiting for build ${name} to start after ${START_MS / 60_000}m0s`)),
    deadline - Date.now(),
  );
  try {
    return await started.promise;
  } finally {
    clearTimeout(timer);
    await informer.stop();
  }
}

function endedEarly(build: Build): string {
  const name = build.metadata.name ?? "";
  const { phase, reason = "", message = "" } = build.status ?? {};
  if (phase === "Failed") return `build ${name} failed: ${reason}: ${message}`;
  if (phase === "Cancelled") return `build ${name} was cancelled`;
  if (phase === "Error") return `build ${name} encountered an error`;
  return `cannot upload file to build ${name} with status ${phase ?? ""}`;
}

/** Puts the body where the builder waits for it: in one piece, once it is complete. */
async function receiveContext(stateDir: string, build: Build, exchange: Exchange): Promise<void> {
  const files = buildFiles(stateDir, build);
  await mkdir(files.directory, { recursive: true });
  await pipeline(exchange.request, createWriteStream(files.contextPart));
  if (!exchange.request.complete) throw new Error(`upload to build ${keyOf(build)} was interrupted`);
  await rename(files.contextPart, files.context);
}

async function cancel(kube: Kube, build: Build): Promise<void> {
  const { namespace, name = "" } = build.metadata;
  const seen = await kube.find(builds, { namespace, name });
  if (seen === undefined || isTerminal(seen)) return;
  await kube.patch(builds, { namespace, name }, { status: { cancelled: true } });
}

function badRequest(message: string): KubeError {
  return new KubeError(400, { message, reason: "BadRequest", code: 400 }, message);
}

function timeout(message: string): KubeError {
  return new KubeError(504, { message: `Timeout: ${message}`, reason: "Timeout", code: 504 }, message);
}
