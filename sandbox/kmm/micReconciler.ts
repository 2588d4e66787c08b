import { isObjectMissing, ownerReference } from "../kube.ts";
import { canonical, type Context, sameJson, targetOf } from "./context.ts";
import { IMAGE_OWNER, PULL_POD_TYPE } from "./names.ts";
import {
  type Action,
  type BuildSignSpec,
  type ImageSpec,
  type ImageState,
  MBSCS,
  MICS,
  type ModuleBuildSignConfig,
  type ModuleImagesConfig,
  type Pod,
  PODS,
} from "./resources.ts";

/**
 * ModuleImagesConfig: finds out whether each image exists, by a pod that pulls it, and has missing ones built and
 * signed. A state once found stays: `Exists` is never looked at again, states of images no longer wanted are kept.
 */
export async function reconcileMic(context: Context, target: { namespace: string; name: string }): Promise<void> {
  const mic = await context.kube.find(MICS, target);
  if (mic === undefined || mic.metadata.deletionTimestamp !== undefined) return;
  if (await forget(context, mic)) {
    await reconcileMic(context, target);
    return;
  }
  const pods = await pullPods(context, mic);
  const mbsc = await context.kube.find(MBSCS, target);
  const states = new Map(mic.status?.imagesStates?.map(({ image, status }) => [image, status]));
  const finished = takePullResults(mic, pods, states);
  takeBuildResults(mic, mbsc, states);
  await saveStates(context, mic, states);
  for (const pod of finished) await deletePod(context, pod);
  for (const image of mic.spec.images ?? [])
    await pursue(context, { mic, image, state: states.get(image.image), pods });
}

/**
 * A new `imageRebuildTriggerGeneration` makes KMM forget what was built and what it knows of the images: it looks again,
 * and an image that is there stays as it is.
 */
async function forget(context: Context, mic: ModuleImagesConfig): Promise<boolean> {
  const wanted = mic.spec.imageRebuildTriggerGeneration;
  if (!context.line.rebuildTrigger || wanted === mic.status?.imageRebuildTriggerGeneration) return false;
  const target = targetOf(mic);
  await context.kube.delete(MBSCS, target).catch((error: unknown) => {
    if (!isObjectMissing(error)) throw error;
  });
  const status = { imagesStates: [], imageRebuildTriggerGeneration: wanted ?? null };
  await context.kube.patchStatus(MICS, target, status);
  return true;
}

async function pullPods(context: Context, mic: ModuleImagesConfig): Promise<Pod[]> {
  const { namespace, name } = targetOf(mic);
  const scope = { namespace, labelSelector: `${IMAGE_OWNER}=${name}` };
  const { items } = await context.kube.list(PODS, scope);
  return items.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === mic.metadata.uid));
}

const imageOf = (pod: Pod): string => pod.spec.containers[0]?.image ?? "";

/** What the pull pods tell; answers the pods that have done their work. */
function takePullResults(mic: ModuleImagesConfig, pods: Pod[], states: Map<string, ImageState>): Pod[] {
  const finished: Pod[] = [];
  for (const pod of pods) {
    const image = mic.spec.images?.find((each) => each.image === imageOf(pod));
    const state = image === undefined ? undefined : pullResult(pod, image);
    if (image === undefined || state === undefined) continue;
    states.set(image.image, state);
    finished.push(pod);
  }
  return finished;
}

/**
 * Any trouble with the pull counts as "missing", be it the registry's certificate or the network. Every other end (the
 * image has no shell, its name is invalid, …) is no result: the pod stays, and nothing ever happens.
 */
function pullResult(pod: Pod, image: ImageSpec): ImageState | undefined {
  if (pod.status?.phase === "Succeeded") return "Exists";
  if (!pullFails(pod) || pod.metadata.labels?.[PULL_POD_TYPE] !== "one-time-pull") return undefined;
  return image.build === undefined ? "NeedsSigning" : "NeedsBuilding";
}

function pullFails({ status }: Pod): boolean {
  const reason = status?.containerStatuses?.[0]?.state?.waiting?.reason ?? "";
  return status?.phase === "Pending" && ["ErrImagePull", "ImagePullBackOff"].includes(reason);
}

/** What the ModuleBuildSignConfig tells about the images that are wanted now. */
function takeBuildResults(
  mic: ModuleImagesConfig,
  mbsc: ModuleBuildSignConfig | undefined,
  states: Map<string, ImageState>,
): void {
  for (const { image, action, status } of mbsc?.status?.images ?? []) {
    const wanted = mic.spec.images?.find((each) => each.image === image);
    if (wanted === undefined || states.get(image) === "Exists") continue;
    const needsSigning = action === "BuildImage" && wanted.sign !== undefined;
    if (status === "Failure") states.set(image, "DoesNotExist");
    else states.set(image, needsSigning ? "NeedsSigning" : "Exists");
  }
}

async function saveStates(context: Context, mic: ModuleImagesConfig, states: Map<string, ImageState>): Promise<void> {
  const imagesStates = [...states].map(([image, status]) => ({ image, status }));
  if (sameJson(imagesStates, mic.status?.imagesStates ?? [])) return;
  await context.kube.patchStatus(MICS, targetOf(mic), { imagesStates });
}

async function deletePod(context: Context, pod: Pod): Promise<void> {
  await context.kube.delete(PODS, targetOf(pod));
}

interface Pursuit {
  mic: ModuleImagesConfig;
  image: ImageSpec;
  state: ImageState | undefined;
  pods: Pod[];
}

/** The next step for one image. */
async function pursue(context: Context, { mic, image, state, pods }: Pursuit): Promise<void> {
  if (state === undefined) {
    if (!pods.some((pod) => imageOf(pod) === image.image)) await createPullPod(context, mic, image);
    return;
  }
  const canBeMade = image.build !== undefined || image.sign !== undefined;
  if (state === "Exists" || !canBeMade) return;
  // A failed signature comes here as DoesNotExist, and with `build` set everything starts over: KMM's endless loop.
  const action: Action = state === "NeedsSigning" || image.build === undefined ? "SignImage" : "BuildImage";
  await request(context, mic, { ...image, action });
}

async function createPullPod(context: Context, mic: ModuleImagesConfig, image: ImageSpec): Promise<void> {
  const { namespace, name } = targetOf(mic);
  const once = image.build !== undefined || image.sign !== undefined;
  const secret = mic.spec.imageRepoSecret;
  await context.kube.create(PODS, {
    metadata: {
      namespace,
      generateName: `${name}-pull-pod-`,
      labels: { [IMAGE_OWNER]: name, [PULL_POD_TYPE]: once ? "one-time-pull" : "until-success" },
      ownerReferences: [ownerReference(MICS, mic)],
    },
    spec: {
      containers: [
        {
          name: "puller",
          image: image.image,
          command: ["/bin/sh", "-c", "exit 0"],
          ...(mic.spec.imagePullPolicy === undefined ? {} : { imagePullPolicy: mic.spec.imagePullPolicy }),
        } as Pod["spec"]["containers"][number],
      ],
      restartPolicy: "Never",
      ...(secret === undefined ? {} : { imagePullSecrets: [secret] }),
    },
  });
}

/** Puts the image into the ModuleBuildSignConfig. Entries of other images stay in it, whatever became of them. */
async function request(context: Context, mic: ModuleImagesConfig, image: BuildSignSpec): Promise<void> {
  const target = targetOf(mic);
  const { imageRepoSecret, pushBuiltImage, tolerations } = mic.spec;
  const common = {
    ...(imageRepoSecret === undefined ? {} : { imageRepoSecret }),
    ...(pushBuiltImage === undefined ? {} : { pushBuiltImage }),
    ...(tolerations === undefined ? {} : { tolerations }),
  };
  const mbsc = await context.kube.find(MBSCS, target);
  if (mbsc === undefined) {
    const metadata = { ...target, ownerReferences: [ownerReference(MICS, mic)] };
    await context.kube.create(MBSCS, { metadata, spec: { ...common, images: [image] } });
    return;
  }
  const images = [...(mbsc.spec.images ?? [])];
  const at = images.findIndex((each) => each.image === image.image);
  if (at < 0) images.push(image);
  else images[at] = image;
  const spec = { ...mbsc.spec, ...common, images };
  if (canonical(spec) === canonical(mbsc.spec)) return;
  await context.kube.patch(MBSCS, target, { spec });
}
