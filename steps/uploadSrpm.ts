/**
 * Builds the source image from the release package: uploads the build context and follows the Build to its end.
 * Does nothing when the image is there already; follows a build that an interrupted run left going.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import { z } from "zod";
import { repositoryOf, sourceReference, tagOf } from "../core/imageTag.ts";
import { hasEnded, hasFailed, type BuildObject } from "../core/moduleBuild.ts";
import { internalRegistry, names } from "../core/names.ts";
import { BuildLogs, whatItSays } from "./lib/builds.ts";
import { storeOf } from "./lib/imageStore.ts";
import { connect, type Kubectl, type KubeObject } from "./lib/kubectl.ts";
import { readPolicy } from "./lib/policy.ts";
import { openRelease } from "./lib/releasePackage.ts";
import { clusterSchema, progress, runStep, StepError } from "./lib/step.ts";
import { waitUntil } from "./lib/wait.ts";

const input = z.object({
  cluster: clusterSchema,
  namespace: z.string(),
  release: z.object({ package: z.string(), sha256: z.string(), version: z.string() }),
  /** The image's tag, a hash of its content; the BuildConfig pushes to it. */
  tag: z.string(),
  /** UID of the ImageStream. Not looked at: another one makes the step run again. */
  stream: z.string().optional(),
  /** A repository of a registry outside of the cluster; absent: the image goes to the ImageStream. */
  repository: z.string().optional(),
  dockerfile: z.string(),
  /** Further files of the context, relative to the project. */
  files: z.array(z.string()),
  logDirectory: z.string(),
});
type Input = z.infer<typeof input>;

/** `spec.output` tells which content a Build is for. */
interface SourceBuild extends KubeObject, BuildObject {
  readonly metadata: KubeObject["metadata"] & BuildObject["metadata"];
  readonly spec: { readonly output?: { readonly to?: { readonly name?: string } } };
  readonly status?: BuildObject["status"] & { readonly output?: { readonly to?: { readonly imageDigest?: string } } };
}

await runStep(input, async (step) => {
  const kubectl = await connect(step.cluster);
  const logs = new BuildLogs(kubectl, step.namespace, step.logDirectory);
  const digest = (await pushedDigest(kubectl, step)) ?? (await build(kubectl, step, logs).finally(() => logs.stop()));
  return { image: `${repositoryOf(imageOf(step))}@${digest}` };
});

/** The image by tag. */
function imageOf({ repository, namespace, tag }: Input): string {
  return repository === undefined
    ? `${internalRegistry}/${namespace}/${names.srpmImageStream}:${tag}`
    : sourceReference({ repository }, tag);
}

/** What a Build of this content has as its output. */
function outputOf(step: Input): string {
  return step.repository === undefined ? `${names.srpmImageStream}:${step.tag}` : imageOf(step);
}

async function pushedDigest(kubectl: Kubectl, step: Input): Promise<string | undefined> {
  const image = imageOf(step);
  return (await storeOf(kubectl, step.namespace, image).digests([tagOf(image)]))[tagOf(image)];
}

async function build(kubectl: Kubectl, step: Input, logs: BuildLogs): Promise<string> {
  const name = (await runningBuild(kubectl, step)) ?? (await upload(kubectl, step));
  const policy = await readPolicy(kubectl, step.namespace);
  const waiting = {
    timeoutSeconds: policy.build.timeoutMinutes * 60,
    remedy: `look at Build ${name} and run \`pulumi up\` again`,
  };
  const ended = await waitUntil("the source image", waiting, async () => {
    const current = await kubectl.get<SourceBuild>("builds.build.openshift.io", name, step.namespace);
    if (current === undefined) throw new StepError(`Build ${name} was deleted while it ran; run \`pulumi up\` again`);
    logs.follow(current);
    return hasEnded(current) ? { done: current } : { missing: `${name} ${current.status?.phase ?? "New"}` };
  });
  await logs.settle();
  const digest = ended.status?.output?.to?.imageDigest ?? (await pushedDigest(kubectl, step));
  if (!hasFailed(ended) && digest !== undefined) return digest;
  throw new StepError(
    `building the source image failed (Build ${name}: ${whatItSays(ended)}). Its log, ${logs.path(ended)}, ends with:\n` +
      `${await logs.tail(ended)}\nMend the cause and run \`pulumi up\` again`,
  );
}

/** A build of this very content that is still going, left by a run that was cut. */
async function runningBuild(kubectl: Kubectl, step: Input): Promise<string | undefined> {
  const label = `openshift.io/build-config.name=${names.srpmBuildConfig}`;
  const builds = await kubectl.list<SourceBuild>("builds.build.openshift.io", "-n", step.namespace, "-l", label);
  return builds
    .filter((build) => !hasEnded(build) && build.spec.output?.to?.name === outputOf(step))
    .map(({ metadata }) => metadata.name)
    .at(-1);
}

/** Uploads the context; OpenShift answers with the Build once it runs. */
async function upload(kubectl: Kubectl, step: Input): Promise<string> {
  const context = await buildContext(step);
  progress(`uploading the source release, ${(context.length / 2 ** 20).toFixed(1)} MiB`);
  const uri =
    `/apis/build.openshift.io/v1/namespaces/${step.namespace}/buildconfigs/${names.srpmBuildConfig}/instantiatebinary` +
    `?revision.commit=${step.tag}`;
  const answer = await kubectl.run(["create", "--raw", uri, "-f", "-"], context);
  return (JSON.parse(answer) as SourceBuild).metadata.name;
}

async function buildContext(step: Input): Promise<Buffer> {
  const release = await openRelease(step.release);
  const archive = pack();
  archive.entry({ name: release.srpmName }, release.srpm);
  archive.entry({ name: "Dockerfile" }, await readFile(step.dockerfile, "utf8"));
  for (const file of step.files) archive.entry({ name: basename(file), mode: 0o755 }, await readFile(file, "utf8"));
  archive.finalize();
  return buffer(archive.pipe(createGzip()));
}
