/** What a plan is: plain data, so that it can be printed, saved, replayed and reduced. */
import { z } from "zod";

/** Points that an operation passes, by what it prints there. */
export const moments = {
  "from the beginning": /^/,
  "a resource is made": / (creating|updating|deleting) \(/,
  "the source is built": /onload-srpm-\d+: Running/,
  "a kernel is built for": /onload-build-[\w-]+: Running/,
  "an image is signed": /onload-sign-[\w-]+: Running/,
  "a node is checked": /worker-\d+: check \(/,
  "a node is cordoned": /worker-\d+: cordoned/,
  "a node is drained": /worker-\d+: draining/,
  "a node reboots": /worker-\d+: rebooting into MokManager/,
  "a node is back": /worker-\d+: is back, key/,
  "KMM may load": /worker-\d+: KMM may load/,
  "a node is proven": /worker-\d+: proven/,
  "KMM unloads": /worker-\d+: KMM unloads/,
} as const;

export type MomentName = keyof typeof moments;

const momentNames = Object.keys(moments) as [MomentName, ...MomentName[]];

/** When an accident happens: so long after that point of the operation. */
const when = z.object({ says: z.enum(momentNames), afterMs: z.int().min(0) });

/** A listed node, by its place among the sandbox's: 1 is worker-1. */
const node = z.int().min(1);
const seconds = z.number().min(0);

/** What is killed or stopped: {@link file://../faults/running.ts}. */
export const victims = [
  "engine",
  "power",
  "plugin command",
  "plugin kubernetes",
  "step rollNode",
  "step leaveNode",
  "step followModuleBuild",
  "step uploadSrpm",
] as const;

/** Failures that a switch of the sandbox makes: its name and value; `NODE` stands for a node's name. */
export const failures = {
  "the gateway cuts connections": ["gateway.cut", "3"],
  "builds fail": ["build.fail", "onload-build"],
  "signatures fail": ["sign.fail", "onload-sign"],
  "images can't be pulled": ["pull.fail", "onload-kmod"],
  "images can't be pushed": ["push.fail", "onload-kmod"],
  "SSH is refused": ["ssh.refuse", "NODE"],
  "SSH is cut": ["ssh.cut", "NODE mokutil"],
  "modules are in use": ["node.in-use", "NODE"],
  "the kernel's driver doesn't load": ["node.driver-fails", "NODE"],
  "a node stays away": ["node.never-returns", "NODE"],
  "a node boots slowly": ["node.boot.seconds", "12"],
} as const;

type FailureName = keyof typeof failures;

const failureNames = Object.keys(failures) as [FailureName, ...FailureName[]];

/** Objects that somebody deletes by hand. */
export const deletables = [
  "the Module",
  "the Dockerfile's ConfigMap",
  "the signing Secrets",
  "the ServiceAccount",
  "the image streams",
  "the Leases",
  "a NodeModulesConfig",
  "a worker pod",
] as const;

export type Deletable = (typeof deletables)[number];

const accident = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("kill"), when, victim: z.enum(victims) }),
  /** SIGSTOP, and SIGCONT after this time: longer than a Lease lasts, or shorter. */
  z.object({ kind: z.literal("stop"), when, victim: z.enum(victims), seconds }),
  /** Somebody runs `up` from another bastion, with a copy of the state and a clock that is wrong. */
  z.object({ kind: z.literal("second bastion"), when, skewSeconds: z.number() }),
  z.object({
    kind: z.literal("service"),
    when,
    service: z.enum(["kube-apiserver", "etcd", "stand-ins"]),
    how: z.enum(["pause", "kill"]),
    seconds,
  }),
  z.object({ kind: z.literal("failure"), when, failure: z.enum(failureNames), node, seconds }),
  z.object({ kind: z.literal("taint"), when, node, effect: z.enum(["NoSchedule", "NoExecute"]) }),
  z.object({ kind: z.literal("reboot"), when, node }),
  z.object({ kind: z.literal("delete"), when, what: z.enum(deletables), node }),
  /** A pod that no drain gets rid of. */
  z.object({ kind: z.literal("busy"), when, node, seconds }),
  /** Somebody else takes the node out of service. */
  z.object({ kind: z.literal("cordon"), when, node }),
]);
export type Accident = z.infer<typeof accident>;

const change = z.discriminatedUnion("kind", [
  /** `rebuild` to a number that was never used, or back to the one before. */
  z.object({ kind: z.literal("rebuild"), to: z.enum(["new", "old"]) }),
  /** The first node of the list goes to its end. */
  z.object({ kind: z.literal("order") }),
  /** The node is held, or no longer. */
  z.object({ kind: z.literal("hold"), node }),
  /** The node is taken off the list, or added to it; one always stays. */
  z.object({ kind: z.literal("list"), node }),
  z.object({ kind: z.literal("drain") }),
  /** Another mainboard, whose firmware knows no key: by hand, before the operation. */
  z.object({ kind: z.literal("mainboard"), node }),
]);
export type Change = z.infer<typeof change>;

export const planSchema = z.object({
  /** What it was made from; absent in a plan written by hand. */
  seed: z.int().optional(),
  nodes: z.int().min(1).max(9),
  maxParallel: z.int().min(1),
  operations: z.array(
    z.object({
      verb: z.enum(["up", "preview", "destroy"]),
      /** How wrong the bastion's clock is. */
      skewSeconds: z.number(),
      changes: z.array(change),
      accidents: z.array(accident),
    }),
  ),
});
/** Operations one after the other, each with what is changed before it and what goes wrong in it. */
export type Plan = z.infer<typeof planSchema>;
export type Operation = Plan["operations"][number];
