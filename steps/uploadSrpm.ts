/**
 * Builds the source image from the release package: uploads the build context and follows the Build to its end.
 * Does nothing when the image is there already; follows a build that an interrupted run left going.
 */
import type { InputOf } from "../core/contracts/contract.ts";
import { uploadSrpm } from "../core/contracts/uploadSrpm.ts";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import { z } from "zod";
import { withLabels } from "../core/build/imageLabels.ts";
import { repositoryOf, sourceReference, tagOf } from "../core/build/imageTag.ts";
import { hasFailed } from "../core/build/moduleBuild.ts";
import { internalRegistry, names } from "../core/names.ts";
import { BuildLogs, whatItSays } from "./build/builds.ts";
import { storeOf } from "./build/imageStore.ts";
import { connect, type Kubectl } from "./cluster/kubectl.ts";
import { readPolicy } from "./cluster/policy.ts";
import { openRelease } from "./build/releasePackage.ts";
import { SourceBuild } from "./build/sourceBuild.ts";
import { progress, runStep, StepError } from "./lib/step.ts";
import { waitUntil } from "./lib/wait.ts";

type Input = InputOf<typeof uploadSrpm>;

await runStep(uploadSrpm, async (step) => {
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
  const { namespace } = step;
  const policy = await readPolicy(kubectl, namespace);
  const context = await buildContext(step);
  const source = new SourceBuild(
    kubectl,
    {
      namespace,
      selector: `openshift.io/build-config.name=${names.srpmBuildConfig}`,
      output: outputOf(step),
      upload: (signal) => upload(kubectl, step, context, signal),
    },
    logs,
  );
  const waiting = {
    timeoutSeconds: policy.build.timeoutMinutes * 60,
    setting: "build.timeoutMinutes",
    error: "OKMM-SOURCE-TIMEOUT" as const,
    remedy: `look at \`kubectl -n ${namespace} get builds,pods,events\`, fix the cause and run \`pulumi up\` again`,
  };
  const ended = await waitUntil("the source image", waiting, () => source.look()).finally(() => source.stop());
  await logs.settle();
  const digest = ended.status?.output?.to?.imageDigest ?? (await pushedDigest(kubectl, step));
  if (!hasFailed(ended) && digest !== undefined) return digest;
  throw new StepError(
    "OKMM-SOURCE-FAILED",
    `building the source image failed (Build ${ended.metadata.name}: ${whatItSays(ended)}). Its log, ${logs.path(ended)}, ends with:\n` +
      `${await logs.tail(ended)}\nFix the cause and run \`pulumi up\` again`,
  );
}

/** Uploads the context; OpenShift answers with the Build once it runs. */
function upload(kubectl: Kubectl, step: Input, context: Buffer, signal: AbortSignal): Promise<string> {
  progress(`uploading the source release, ${(context.length / 2 ** 20).toFixed(1)} MiB`);
  const uri =
    `/apis/build.openshift.io/v1/namespaces/${step.namespace}/buildconfigs/${names.srpmBuildConfig}/instantiatebinary` +
    `?revision.commit=${step.tag}`;
  return kubectl.run(["create", "--raw", uri, "-f", "-"], context, signal);
}

async function buildContext(step: Input): Promise<Buffer> {
  const release = await openRelease(step.release);
  const archive = pack();
  archive.entry({ name: release.srpmName }, release.srpm);
  const provenance = { ...release, release: release.version, program: await programVersion() };
  archive.entry({ name: "Dockerfile" }, withLabels(await readFile(step.dockerfile, "utf8"), provenance));
  for (const file of step.files) archive.entry({ name: basename(file), mode: 0o755 }, await readFile(file, "utf8"));
  archive.finalize();
  return buffer(archive.pipe(createGzip()));
}

/** This program's own version. */
async function programVersion(): Promise<string> {
  const manifest = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(manifest)).version;
}
