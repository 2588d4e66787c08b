import { isSameKernel, kmmKernel, tagOf } from "./imageTag.ts";
import { kmm } from "../names.ts";

/**
 * What KMM is doing with a Module's images, told from its objects: ModuleImagesConfig (MIC), ModuleBuildSignConfig
 * (MBSC), OpenShift Builds, and what the registry really holds. Pure, so that each of KMM 2.4's surprises is a row
 * in a table of tests.
 */

/** An image that must exist: one per kernel of the stack's nodes. */
export interface WantedImage {
  readonly kernel: string;
  /** Full reference, kernel filled in. */
  readonly image: string;
}

export interface ModuleImagesConfig {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec?: { readonly images?: readonly { readonly image: string }[] };
  readonly status?: { readonly imagesStates?: readonly { readonly image: string; readonly status?: string }[] };
}

export interface ModuleBuildSignConfig {
  readonly metadata: {
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly spec?: { readonly images?: readonly { readonly image: string }[] };
  /** How the last action on each image ended. */
  readonly status?: {
    readonly images?: readonly { readonly image: string; readonly action?: string; readonly status?: string }[];
  };
}

export interface BuildObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly status?: { readonly phase?: string; readonly reason?: string; readonly message?: string };
}

export interface BuildView {
  readonly wanted: readonly WantedImage[];
  readonly mic?: ModuleImagesConfig | undefined;
  readonly mbsc?: ModuleBuildSignConfig | undefined;
  readonly builds: readonly BuildObject[];
  /** Digests by tag of the kmod image's ImageStream: what was really pushed. */
  readonly pushed: Readonly<Record<string, string>>;
  /** Digests by tag that are known to be signed. */
  readonly signed: Readonly<Record<string, string>>;
  /** UIDs of Builds that had failed before this step began, so not this round's. Later KMMs reuse their names. */
  readonly oldFailures: ReadonlySet<string>;
}

interface BuiltImage extends WantedImage {
  /** `sha256:…` of the manifest that was pushed. */
  readonly digest: string;
}

/** What to do next. */
export type BuildVerdict =
  | { readonly kind: "built"; readonly images: readonly BuiltImage[] }
  | { readonly kind: "wait"; readonly missing: string }
  /** KMM doesn't see the Module: touch it. */
  | { readonly kind: "unseen"; readonly missing: string }
  /** Delete the MBSC: KMM would take an old failure for this round's. */
  | { readonly kind: "startAfresh"; readonly reason: string }
  /** Delete MIC and MBSC and touch the Module: KMM believes in an image that was never pushed or built, or is about to. */
  | { readonly kind: "forget"; readonly reason: string }
  /**
   * The registry holds an image whose signature isn't known: delete its tag, then forget. Where KMM signs in place
   * (2.7) some node may have it unsigned: that tag must never be used again.
   */
  | {
      readonly kind: "distrust";
      readonly images: readonly WantedImage[];
      readonly reason: string;
    }
  | { readonly kind: "failed"; readonly build: BuildObject };

const failedPhases = ["Failed", "Error", "Cancelled"];

export const hasFailed = ({ status }: BuildObject): boolean => failedPhases.includes(status?.phase ?? "");

/** Whether OpenShift is done with a Build, one way or another. */
export const hasEnded = (build: BuildObject): boolean => build.status?.phase === "Complete" || hasFailed(build);

export function judgeBuild(view: BuildView): BuildVerdict {
  const listed = view.mic?.metadata.deletionTimestamp === undefined ? (view.mic?.spec?.images ?? []) : [];
  const unlisted = view.wanted.filter(({ image }) => !listed.some((entry) => entry.image === image));
  if (unlisted.length > 0) {
    return { kind: "unseen", missing: `KMM to list the image for ${kernelsOf(unlisted)}` };
  }
  return judgeStates(view) ?? judgeRounds(view);
}

/** Are all images really there? */
function judgeStates(view: BuildView): BuildVerdict | undefined {
  const existing = existingIn(view);
  const phantom = existing.filter(({ image }) => view.pushed[tagOf(image)] === undefined);
  if (phantom.length > 0) {
    return { kind: "forget", reason: `KMM reports an image for ${kernelsOf(phantom)} that the registry doesn't hold` };
  }
  const unknown = existing.filter((wanted) => !isSigned(view, wanted));
  if (unknown.length > 0) {
    const reason = `the registry holds an image for ${kernelsOf(unknown)} without a known signature`;
    // KMM has it from a node that pulled it, or it would know of the signature.
    return { kind: "distrust", images: unknown, reason };
  }
  if (existing.length < view.wanted.length) return undefined;
  return {
    kind: "built",
    images: existing.map((wanted) => ({ ...wanted, digest: view.pushed[tagOf(wanted.image)] ?? "" })),
  };
}

/** Digests by tag of what KMM has signed by this view, and isn't known as signed yet: only the round itself tells of it. */
export function newlySigned(view: BuildView): Record<string, string> {
  const news = existingIn(view).filter((wanted) => isSigned(view, wanted));
  const digests = news.map(({ image }) => [tagOf(image), view.pushed[tagOf(image)] ?? ""] as const);
  return Object.fromEntries(digests.filter(([tag, digest]) => digest !== "" && view.signed[tag] !== digest));
}

/** Whether what was pushed is what KMM has signed: in this round, or in one that is remembered. */
function isSigned(view: BuildView, { image }: WantedImage): boolean {
  const { mbsc, pushed, signed } = view;
  if (signed[tagOf(image)] === pushed[tagOf(image)]) return true;
  // KMM counts a Build's end for all tags of its kernel: beside another tag the result may be that one's.
  if (staleTag(view) !== undefined) return false;
  const result = mbsc?.status?.images?.find((each) => each.image === image);
  return result?.action === "SignImage" && result.status === "Success";
}

/**
 * A tag that the round works on beside those that KMM now lists. The MIC decides, not what is wanted: a node that leaves
 * at this run's end is still selected, and built for.
 */
function staleTag({ mic, mbsc }: BuildView): string | undefined {
  const current = mic?.spec?.images ?? [];
  const stale = (mbsc?.spec?.images ?? []).find(({ image }) => !current.some((entry) => entry.image === image));
  return stale && tagOf(stale.image);
}

/** Not all images are there: is KMM building these, and nothing else? */
function judgeRounds(view: BuildView): BuildVerdict {
  const { mic, mbsc } = view;
  if (mbsc === undefined) return { kind: "wait", missing: "KMM to look for the image and to start a build" };
  if (mbsc.metadata.deletionTimestamp !== undefined) return { kind: "wait", missing: "KMM to forget the last round" };
  if (mic !== undefined && !isOwnedBy(mbsc, mic)) return { kind: "startAfresh", reason: "KMM resumed an old round" };
  const stale = staleTag(view);
  // Its build may count as a wanted one already, or at any moment; the MIC would keep that.
  if (stale !== undefined) return { kind: "forget", reason: `KMM still works on another tag, ${stale}` };
  return judgeBuilds(
    view.builds.filter((build) => isOwnedBy(build, mbsc) && isFor(build, view.wanted)),
    view.oldFailures,
  );
}

/** The current round's Builds. */
function judgeBuilds(builds: readonly BuildObject[], oldFailures: ReadonlySet<string>): BuildVerdict {
  const failed = builds.filter(hasFailed);
  const failedNow = failed.find(({ metadata }) => !oldFailures.has(metadata.uid));
  if (failedNow !== undefined) return { kind: "failed", build: failedNow };
  if (failed.length > 0) return { kind: "startAfresh", reason: "an earlier round failed" };
  const twins = twinsAmong(builds);
  if (twins !== undefined) return { kind: "forget", reason: `KMM made ${twins} for one image, and is stuck` };
  const running = builds.map(({ metadata, status }) => `${metadata.name} ${status?.phase ?? "New"}`);
  return { kind: "wait", missing: running.length > 0 ? running.sort().join(", ") : "KMM to start the next build" };
}

/**
 * Names of Builds that do the same. Where names are generated (2.4.1) KMM creates a second one if its cache lacks the
 * first, and from then on only logs `expected 0 or 1 BuildImage resources, got 2`.
 */
function twinsAmong(builds: readonly BuildObject[]): string | undefined {
  const byWork = Map.groupBy(
    builds.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    ({ metadata: { labels } }) => `${labels?.[kmm.buildTypeLabel] ?? ""} ${labels?.[kmm.targetKernelLabel] ?? ""}`,
  );
  const twins = [...byWork.values()].find((same) => same.length > 1);
  return twins
    ?.map(({ metadata }) => metadata.name)
    .sort()
    .join(" and ");
}

/** Those of which KMM says that they exist. */
function existingIn({ wanted, mic }: BuildView): WantedImage[] {
  const states = new Map(mic?.status?.imagesStates?.map(({ image, status }) => [image, status]));
  return wanted.filter(({ image }) => states.get(image) === "Exists");
}

const isOwnedBy = (
  { metadata }: BuildObject | ModuleBuildSignConfig,
  { metadata: { uid } }: { readonly metadata: { readonly uid: string } },
): boolean => metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;

/** A kernel that only leaving nodes run must neither block the others' images nor its nodes' leaving. */
function isFor({ metadata }: BuildObject, wanted: readonly WantedImage[]): boolean {
  const target = metadata.labels?.[kmm.targetKernelLabel] ?? "";
  return wanted.some(({ kernel }) => isSameKernel(kmmKernel(kernel), target));
}

const kernelsOf = (images: readonly WantedImage[]): string => images.map(({ kernel }) => kernel).join(", ");
