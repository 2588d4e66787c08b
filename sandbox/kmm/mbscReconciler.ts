import { createHash } from "node:crypto";
import { isAlreadyExists, ownerReference } from "../kube.ts";
import { type Build, builds, isTerminal } from "../openshift/resources.ts";
import { buildTemplate, type Template } from "./buildTemplate.ts";
import { canonical, type Context, sameJson, targetOf } from "./context.ts";
import { kernelInLabel } from "./mapping.ts";
import { BUILD_TYPE, GC_DELAY_FINALIZER, JOB_EVENT_FINALIZER, LAST_HASH, MODULE_NAME, TARGET_KERNEL } from "./names.ts";
import {
  type Action,
  type BuildSignSpec,
  type BuildSignStatus,
  MBSCS,
  type ModuleBuildSignConfig,
} from "./resources.ts";
import { signTemplate } from "./signTemplate.ts";

/**
 * ModuleBuildSignConfig: makes the Builds that its entries ask for and takes down how they end. A Build is looked for
 * by Module, kernel and action, never by image: another tag's Build of the same kernel is taken for this one's.
 */
export async function reconcileMbsc(context: Context, target: { namespace: string; name: string }): Promise<void> {
  const mbsc = await context.kube.find(MBSCS, target);
  if (mbsc === undefined || mbsc.metadata.deletionTimestamp !== undefined) return;
  const errors: unknown[] = [];
  // Read once: KMM reads from a cache, which seldom hears within one round that a Build it deleted is gone. When it does,
  // the new tag is built, and the old one takes its result.
  const own = await ownBuilds(context, mbsc);
  for (const image of mbsc.spec.images ?? []) {
    if (statusOf(mbsc, image)?.status === "Success") continue;
    await sync(context, mbsc, own, image).catch((error: unknown) => errors.push(error));
  }
  await takeResults(context, mbsc);
  if (errors.length > 0) throw errors[0] instanceof Error ? errors[0] : new Error(String(errors[0]));
}

const statusOf = (mbsc: ModuleBuildSignConfig, { image, action }: BuildSignSpec): BuildSignStatus | undefined =>
  mbsc.status?.images?.find((each) => each.image === image && each.action === action);

/** The Builds of this object, among them those that are being deleted. */
async function ownBuilds(context: Context, mbsc: ModuleBuildSignConfig): Promise<Build[]> {
  const { namespace, name } = targetOf(mbsc);
  const { items } = await context.kube.list(builds, { namespace, labelSelector: `${MODULE_NAME}=${name}` });
  return items.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === mbsc.metadata.uid));
}

function belongsTo({ line }: Context, build: Build, spec: { kernelVersion: string; action: Action }): boolean {
  const { labels } = build.metadata;
  return labels?.[TARGET_KERNEL] === kernelInLabel(spec.kernelVersion, line) && labels[BUILD_TYPE] === spec.action;
}

/** Makes the entry's Build, or makes room for it. A Build that it makes is added to the `own` ones. */
async function sync(context: Context, mbsc: ModuleBuildSignConfig, own: Build[], image: BuildSignSpec): Promise<void> {
  const key = targetOf(mbsc);
  const make = image.action === "BuildImage" ? buildTemplate : signTemplate;
  const { imageRepoSecret, pushBuiltImage = false } = mbsc.spec;
  const push = pushBuiltImage || !context.line.pushesAsAsked;
  const template = await make(context, key, { image, imageRepoSecret, push });
  const found = own.filter((each) => belongsTo(context, each, image));
  const [build, ...more] = found;
  if (more.length > 0)
    throw new Error(`expected 0 or 1 ${image.action} build for kernel ${image.kernelVersion}, got ${found.length}`);
  if (build === undefined) own.push(...(await create(context, mbsc, image, template)));
  else if (build.metadata.annotations?.[LAST_HASH] !== hashOf(template)) {
    if (build.metadata.deletionTimestamp === undefined) await context.kube.delete(builds, targetOf(build));
  }
}

const hashOf = ({ hashed }: Template): string =>
  createHash("sha256").update(canonical(hashed)).digest("hex").slice(0, 16);

async function create(
  context: Context,
  mbsc: ModuleBuildSignConfig,
  image: BuildSignSpec,
  template: Template,
): Promise<Build[]> {
  const { namespace, name } = targetOf(mbsc);
  const kernel = kernelInLabel(image.kernelVersion, context.line);
  const start = `${name}-${image.action === "BuildImage" ? "build" : "sign"}-`;
  const created = context.kube.create(builds, {
    metadata: {
      namespace,
      ...(context.line.fixedBuildNames ? { name: `${start}${kernel}` } : { generateName: start }),
      labels: {
        "app.kubernetes.io/name": "kmm",
        "app.kubernetes.io/component": image.action,
        "app.kubernetes.io/part-of": "kmm",
        [MODULE_NAME]: name,
        [TARGET_KERNEL]: kernel,
        [BUILD_TYPE]: image.action,
      },
      annotations: { [LAST_HASH]: hashOf(template) },
      finalizers: [GC_DELAY_FINALIZER, JOB_EVENT_FINALIZER],
      ownerReferences: [ownerReference(MBSCS, mbsc)],
    },
    spec: template.spec,
  });
  return created.then((build) => [build], noneIfThere);
}

/** Another object's Build of the same name, or the one that is being deleted, is taken for one's own. */
function noneIfThere(error: unknown): Build[] {
  if (isAlreadyExists(error)) return [];
  throw error;
}

/**
 * A Build's end is written to every entry of its kernel and action, also to those that it was not made for. A
 * successful Build is deleted at once.
 */
async function takeResults(context: Context, mbsc: ModuleBuildSignConfig): Promise<void> {
  const ended = (await ownBuilds(context, mbsc)).filter(isTerminal);
  const before = mbsc.status?.images ?? [];
  const statuses = new Map(before.map((status) => [status.image, status]));
  for (const build of ended) {
    const status = succeeded(build) ? "Success" : "Failure";
    for (const spec of mbsc.spec.images ?? []) {
      const { image, action } = spec;
      if (belongsTo(context, build, spec)) statuses.set(image, { image, action, status });
    }
  }
  const images = [...statuses.values()];
  if (!sameJson(images, before)) await context.kube.patchStatus(MBSCS, targetOf(mbsc), { images });
  const done = ended.filter((build) => succeeded(build) && build.metadata.deletionTimestamp === undefined);
  for (const build of done) await context.kube.delete(builds, targetOf(build));
}

const succeeded = (build: Build): boolean => build.status?.phase === "Complete";
