import { isAlreadyExists, ownerReference } from "../kube.ts";
import { canonical, type Context, sameJson, targetOf } from "./context.ts";
import type { Line } from "./lines.ts";
import { imageSpecOf, resolve, type ResolvedModule } from "./mapping.ts";
import {
  type ImageSpec,
  type ImageState,
  MICS,
  type Module,
  type ModuleImagesConfig,
  MODULES,
  type Preflight,
  type PreflightResult,
  PREFLIGHTS,
  PREFLIGHTS_OCP,
} from "./resources.ts";
import { ownTolerations } from "./selection.ts";

/** PreflightValidationOCP: hands its spec to a PreflightValidation of the same name, and takes the results over. */
export async function reconcilePreflightOcp(context: Context, name: string): Promise<void> {
  const outer = await context.kube.find(PREFLIGHTS_OCP, { name });
  if (outer === undefined || outer.metadata.deletionTimestamp !== undefined) return;
  const inner = await context.kube.find(PREFLIGHTS, { name });
  if (inner === undefined) {
    const metadata = { name, ownerReferences: [ownerReference(PREFLIGHTS_OCP, outer)] };
    await context.kube.create(PREFLIGHTS, { metadata, spec: outer.spec }).catch(unlessExists);
    return;
  }
  if (!sameJson(inner.spec, outer.spec)) await context.kube.patch(PREFLIGHTS, { name }, { spec: outer.spec });
  if (canonical(inner.status) !== canonical(outer.status)) {
    await context.kube.patchStatus(PREFLIGHTS_OCP, { name }, inner.status ?? {});
  }
}

/**
 * PreflightValidation: has the image for a coming kernel looked for, built and signed for every Module of every
 * namespace, by ModuleImagesConfigs named `<module>-preflight`. Before 2.5 built images are pushed, whatever `pushBuiltImage` says.
 */
export async function reconcilePreflight(context: Context, name: string): Promise<void> {
  const preflight = await context.kube.find(PREFLIGHTS, { name });
  if (preflight === undefined || preflight.metadata.deletionTimestamp !== undefined) return;
  const { items } = await context.kube.list(MODULES);
  const modules: PreflightResult[] = [];
  for (const module of items) {
    if (module.metadata.deletionTimestamp !== undefined) continue;
    modules.push(await verify(context, preflight, module));
  }
  const known = preflight.status?.modules ?? [];
  if (canonical(modules.map(withoutTime)) === canonical(known.map(withoutTime))) return;
  await context.kube.patchStatus(PREFLIGHTS, { name }, { modules });
}

const withoutTime = (result: PreflightResult): unknown => ({ ...result, lastTransitionTime: "" });

async function verify(context: Context, preflight: Preflight, module: Module): Promise<PreflightResult> {
  const key = targetOf(module);
  const known = preflight.status?.modules?.find((each) => each.name === key.name && each.namespace === key.namespace);
  if (known?.verificationStage === "Done") return known;
  const resolved = resolve(module, preflight.spec.kernelVersion);
  if (resolved === undefined) return resultOf(key, "Failure", "mapping not found");
  const image = imageFor(context, preflight, resolved);
  const state = await lookFor(context, { preflight, module, image });
  if (state === "Exists") return resultOf(key, "Success", "verified image exists");
  if (state !== "DoesNotExist") return resultOf(key, "InProgress", "verification is not finished yet");
  const made = image.build !== undefined || image.sign !== undefined;
  return resultOf(key, "Failure", `verified image does not exist${made ? " and build/sign failed" : ""}`);
}

function resultOf(
  key: { name: string; namespace: string },
  verificationStatus: PreflightResult["verificationStatus"],
  statusReason: string,
): PreflightResult {
  const verificationStage = verificationStatus === "InProgress" ? "Image" : "Done";
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  return { ...key, verificationStatus, verificationStage, statusReason, lastTransitionTime };
}

function imageFor({ line }: Context, { spec }: Preflight, resolved: ResolvedModule): ImageSpec {
  return { ...imageSpecOf(resolved, line), ...(spec.dtkImage === undefined ? {} : { dtkImage: spec.dtkImage }) };
}

interface Search {
  preflight: Preflight;
  module: Module;
  image: ImageSpec;
}

/** Asks for the image by a ModuleImagesConfig; answers what that says about it by now. */
async function lookFor(context: Context, { preflight, module, image }: Search): Promise<ImageState | undefined> {
  const { namespace, name } = targetOf(module);
  const target = { namespace, name: `${name}-preflight` };
  const spec = searchSpec(context.line, { preflight, module, image });
  const mic = await context.kube.find(MICS, target);
  if (mic === undefined) {
    const metadata = { ...target, ownerReferences: [ownerReference(PREFLIGHTS, preflight)] };
    await context.kube.create(MICS, { metadata, spec }).catch(unlessExists);
    return undefined;
  }
  if (!mic.metadata.ownerReferences?.some(({ uid }) => uid === preflight.metadata.uid)) {
    throw new Error(`Object ${namespace}/${target.name} is already owned by another PreflightValidation`);
  }
  if (!sameJson(mic.spec, spec)) await context.kube.patch(MICS, target, { spec });
  return mic.status?.imagesStates?.find((each) => each.image === image.image)?.status;
}

function searchSpec(line: Line, { preflight, module, image }: Search): ModuleImagesConfig["spec"] {
  const { imageRepoSecret, moduleLoader, tolerations = [] } = module.spec;
  return {
    imagePullPolicy: moduleLoader?.container.imagePullPolicy ?? "IfNotPresent",
    ...(imageRepoSecret === undefined ? {} : { imageRepoSecret }),
    ...(line.pushesAsAsked ? { pushBuiltImage: preflight.spec.pushBuiltImage === true } : {}),
    ...(line.ownTolerations ? { tolerations: [...tolerations, ...ownTolerations(line)] } : {}),
    images: [image],
  };
}

function unlessExists(error: unknown): void {
  if (!isAlreadyExists(error)) throw error;
}
