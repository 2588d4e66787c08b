import { appendFileSync, closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { keyOf, type Kube } from "../kube.ts";
import type { SwitchName, Switches } from "../switches.ts";
import { buildImage } from "./builder/build.ts";
import { type Context, readContext } from "./builder/context.ts";
import { parseDockerfile, type Recipe } from "./builder/dockerfile.ts";
import { BuildFailure } from "./builder/failure.ts";
import { type BuildFiles, buildFiles } from "./buildFiles.ts";
import { pushImage } from "./buildOutput.ts";
import { isOutside, OutsideRegistry } from "./outsideRegistry.ts";
import type { Registry } from "./registry.ts";
import type { Build, BuildStatus } from "./resources.ts";

/** What builds need of their surroundings. */
export interface BuildEnvironment {
  kube: Kube;
  stateDir: string;
  registry: Registry;
  switches: Switches;
}

/** How long a build lasts when no switch says otherwise, in seconds. */
const DEFAULT_SECONDS = 0.6;
/** How often something that isn't there yet is looked for. */
const POLL_MS = 30;
/** OpenShift's limits of `status.logSnippet`: lines, and characters kept at a long line's two ends. */
const SNIPPET = { lines: 5, head: 41, tail: 60 };

/** Runs one Build to its end; answers the status it ends with. Aborting the signal cancels it. */
export async function runBuild(
  env: BuildEnvironment,
  build: Build,
  mounts: ReadonlyMap<string, Buffer>,
  signal: AbortSignal,
): Promise<BuildStatus> {
  const log = new BuildLog(buildFiles(env.stateDir, build));
  try {
    const digest = await produce(env, build, { mounts, signal, log });
    return { phase: "Complete", ...(digest === undefined ? {} : { output: { to: { imageDigest: digest } } }) };
  } catch (error) {
    if (signal.aborted) {
      return { phase: "Cancelled", reason: "CancelledBuild", message: "The build was cancelled by the user." };
    }
    if (!(error instanceof BuildFailure)) {
      log.say(`error: the builder of this sandbox broke: ${String((error as Error).stack)}`);
      const message = "Generic Build failure - check logs for details.";
      return { phase: "Failed", reason: "GenericBuildFailed", message, logSnippet: log.snippet() };
    }
    log.say(`error: build error: ${error.message}`);
    return { phase: "Failed", reason: error.reason, message: error.statusMessage, logSnippet: log.snippet() };
  } finally {
    log.end();
  }
}

interface Job {
  mounts: ReadonlyMap<string, Buffer>;
  signal: AbortSignal;
  log: BuildLog;
}

async function produce(env: BuildEnvironment, build: Build, job: Job): Promise<string | undefined> {
  const say = (line: string): void => job.log.say(line);
  const { context, recipe } = await readInput(env, build, job);
  const args = build.spec.strategy?.dockerStrategy?.buildArgs ?? [];
  const steps = recipe.stages.reduce((sum, stage) => sum + stage.steps.length, 0);
  const image = await buildImage({
    recipe,
    buildArgs: Object.fromEntries(args.map(({ name, value = "" }) => [name, value])),
    context: context.files,
    mounts: job.mounts,
    pull: (reference) => {
      say(`Pulling image ${reference} ...`);
      if (!isOutside(reference)) return Promise.resolve(env.registry.resolve(reference));
      const { pullSecret } = build.spec.strategy?.dockerStrategy ?? {};
      return new OutsideRegistry(env.kube).pull(reference, {
        namespace: build.metadata.namespace ?? "",
        name: pullSecret?.name,
      });
    },
    say,
    pace: (step) => pace(env.switches, build, { step, steps, ...job }),
  });
  job.signal.throwIfAborted();
  return pushImage(
    { ...env, signal: job.signal },
    build,
    { createdBy: `${keyOf(build)} ${build.metadata.uid ?? ""}`, ...image },
    say,
  );
}

async function readInput(env: BuildEnvironment, build: Build, job: Job): Promise<{ context: Context; recipe: Recipe }> {
  const { source, strategy } = build.spec;
  const context: Context = source?.type === "Binary" ? await receive(env, build, job) : { files: new Map() };
  if (strategy?.dockerStrategy === undefined) {
    throw new BuildFailure(
      "DockerBuildFailed",
      `the builder of this sandbox knows the Docker strategy only, not ${strategy?.type ?? "none"}`,
    );
  }
  const path = strategy.dockerStrategy.dockerfilePath;
  const dockerfile =
    path === undefined ? context.dockerfile : context.files.get(`/${path.replace(/^\.?\//, "")}`)?.text;
  const text = source?.dockerfile ?? dockerfile;
  if (text === undefined) throw new BuildFailure("DockerBuildFailed", "no Dockerfile in the build context");
  return { context, recipe: parseDockerfile(text) };
}

/** Waits for the upload that the gateway receives. */
async function receive(env: BuildEnvironment, build: Build, { signal, log }: Job): Promise<Context> {
  const files = buildFiles(env.stateDir, build);
  log.say("Receiving source from STDIN as archive ...");
  while (!existsSync(files.context)) await sleep(POLL_MS, undefined, { signal });
  return readContext(files.context, env.stateDir);
}

/** Lets time pass at a step, as the switches say. */
async function pace(
  switches: Switches,
  build: Build,
  { step, steps, signal, log }: Job & { step: string; steps: number },
): Promise<void> {
  const isOn = (name: SwitchName): boolean => switches.matches(name, keyOf(build));
  while (isOn("build.hang")) await sleep(POLL_MS, undefined, { signal });
  await sleep((switches.seconds("build.seconds", DEFAULT_SECONDS) * 1000) / Math.max(steps, 1), undefined, { signal });
  const signs = step.startsWith("RUN") && step.includes("sign-file");
  if (isOn("build.fail") || (signs && isOn("sign.fail"))) {
    // As compilers print their command lines.
    if (isOn("build.long-line")) log.say(`gcc ${"-Wno-unused ".repeat(16_000)}`);
    throw new BuildFailure(
      "DockerBuildFailed",
      "while running runtime: exit status 1 (a failure switch of the sandbox is on)",
    );
  }
}

/** The build's log on disk. Written in whole lines, at once: a follower reads it as it grows. */
class BuildLog {
  readonly #files: BuildFiles;
  readonly #last: string[] = [];

  constructor(files: BuildFiles) {
    this.#files = files;
    mkdirSync(files.directory, { recursive: true });
    closeSync(openSync(files.log, "w"));
  }

  say(line: string): void {
    this.#last.push(...line.split("\n"));
    this.#last.splice(0, this.#last.length - SNIPPET.lines);
    // The directory goes when the Build is deleted; the build itself runs on to its end.
    if (existsSync(this.#files.directory)) appendFileSync(this.#files.log, `${line}\n`);
  }

  end(): void {
    if (existsSync(this.#files.directory)) closeSync(openSync(this.#files.logEnd, "w"));
  }

  snippet(): string {
    const { head, tail } = SNIPPET;
    const shorten = (line: string): string =>
      line.length <= head + tail + 3 ? line : `${line.slice(0, head)}...${line.slice(-tail)}`;
    return this.#last.map(shorten).join("\n");
  }
}
