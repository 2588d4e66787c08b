import { controllerOf, splitKey } from "../kube.ts";
import { type Build, builds, isTerminal } from "../openshift/resources.ts";
import { type Context, sendEvent, type Subject, targetOf } from "./context.ts";
import { BUILD_TYPE, CREATED_EVENT_SENT, GC_DELAY_FINALIZER, JOB_EVENT_FINALIZER, TARGET_KERNEL } from "./names.ts";

/** What an event calls each phase's end. */
const ENDS: Record<string, { reason: string; words: string; type: "Normal" | "Warning" }> = {
  Complete: { reason: "Succeeded", words: "job succeeded", type: "Normal" },
  Failed: { reason: "Failed", words: "job failed", type: "Warning" },
  Error: { reason: "Failed", words: "job failed", type: "Warning" },
  Cancelled: { reason: "Cancelled", words: "job was cancelled", type: "Warning" },
};

/**
 * A Build of KMM's: sends its events to the ModuleBuildSignConfig, and holds the object by two finalizers: until its
 * end was reported, and, once it is deleted, until garbage collection is due (at once). So a Build that is deleted while it
 * runs keeps running to its end.
 */
export async function reconcileJob(context: Context, key: string): Promise<void> {
  const build = await context.kube.find(builds, splitKey(key));
  if (build?.metadata.labels?.[BUILD_TYPE] === undefined) return;
  const finalizers = build.metadata.finalizers ?? [];
  const firstTime = needsCreatedEvent(build);
  if (firstTime) await tell(context, build, { reason: "Created", words: "created", type: "Normal" });
  const end = finalizers.includes(JOB_EVENT_FINALIZER) ? endOf(build) : undefined;
  if (end !== undefined) await tell(context, build, end);
  const deleted = build.metadata.deletionTimestamp !== undefined;
  const remaining = finalizers.filter(
    (each) => !(each === JOB_EVENT_FINALIZER && end !== undefined) && !(each === GC_DELAY_FINALIZER && deleted),
  );
  if (remaining.length === finalizers.length && !firstTime) return;
  const annotations = firstTime ? { [CREATED_EVENT_SENT]: "" } : {};
  const { uid } = build.metadata;
  await context.kube.patch(builds, targetOf(build), { metadata: { uid, finalizers: remaining, annotations } });
}

const needsCreatedEvent = ({ metadata: { finalizers = [], annotations = {} } }: Build): boolean =>
  finalizers.includes(JOB_EVENT_FINALIZER) && annotations[CREATED_EVENT_SENT] === undefined;

const endOf = (build: Build): (typeof ENDS)[string] | undefined =>
  isTerminal(build) ? ENDS[build.status?.phase ?? ""] : undefined;

async function tell(
  context: Context,
  build: Build,
  end: { reason: string; words: string; type: "Normal" | "Warning" },
): Promise<void> {
  const owner = controllerOf(build);
  if (owner === undefined) return;
  const { namespace = "", name = "", labels } = build.metadata;
  const kernel = labels?.[TARGET_KERNEL] ?? "";
  const noun = labels?.[BUILD_TYPE] === "SignImage" ? "Signimage" : "Buildimage";
  const subject: Subject = {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.name,
    uid: owner.uid,
    namespace,
  };
  await sendEvent(context, subject, {
    type: end.type,
    reason: `${noun}${end.reason}`,
    message: `${noun} ${end.words} for kernel ${kernel}`,
    annotations: { "build-name": name, "kernel-version": kernel },
  });
}
