/**
 * What is recorded of one run, an `up` or a `destroy`: one JSON object a line, in the order in which it happened. The
 * program and its steps only ever append, so what a killed run has left is as true as a finished one's.
 */
import { z } from "zod";
import { enrolmentModes } from "../configuration/choices.ts";
import type { ErrorId } from "../errors.ts";

/** ISO 8601, UTC. */
const at = z.iso.datetime();

/** What a listed node was found to be before the first change. */
const nodeBefore = z.object({
  kernel: z.string(),
  bootId: z.string(),
  /** Of the kernel modules that KMM says are loaded; absent where it says of none. */
  image: z.string().optional(),
  secureBoot: z.string().optional(),
  /** Whether the firmware trusts the stack's key; absent where that couldn't be asked, or there was no key yet. */
  trusted: z.boolean().optional(),
  /** Why the node couldn't be asked over SSH. */
  unreachable: z.string().optional(),
});
export type NodeBefore = z.infer<typeof nodeBefore>;

const run = z.object({
  event: z.literal("run"),
  at,
  verb: z.enum(["up", "destroy"]),
  stack: z.string(),
  /** UID of the cluster's namespace `kube-system`. */
  cluster: z.string().optional(),
  /** OpenOnload's version that is wanted. */
  release: z.string().optional(),
  mode: z.enum(enrolmentModes).optional(),
  maxParallel: z.number().optional(),
  /** In the list's order. */
  nodes: z.array(z.object({ name: z.string(), hold: z.boolean(), before: nodeBefore.optional() })),
});
export type RunRecord = z.infer<typeof run>;

/** What is to be loaded is known: why each node that isn't held is to be done, or null where it is as it should be. */
const plan = z.object({
  event: z.literal("plan"),
  at,
  version: z.string(),
  nodes: z.record(z.string(), z.string().nullable()),
});

/** The program stopped before its first resource. */
const stopped = z.object({ event: z.literal("stopped"), at, problems: z.array(z.string()) });

/** The program's end; `finished`: all that it asked for is done. Nodes that leave do so after it. */
const program = z.object({ event: z.literal("program"), at, finished: z.boolean() });

/** A step is one process; `id` is its number. */
const ofStep = { at, id: z.number() };
const begins = z.object({
  event: z.literal("begins"),
  ...ofStep,
  step: z.string(),
  node: z.string().optional(),
  kernel: z.string().optional(),
});
const phase = z.object({ event: z.literal("phase"), ...ofStep, name: z.string() });
const says = z.object({ event: z.literal("says"), ...ofStep, line: z.string() });
const ends = z.object({ event: z.literal("ends"), ...ofStep, answer: z.unknown() });
const fails = z.object({
  event: z.literal("fails"),
  ...ofStep,
  error: z.custom<ErrorId>((value) => typeof value === "string" && /^OKMM-[A-Z0-9-]+$/.test(value)),
  message: z.string(),
});

const happening = z.discriminatedUnion("event", [run, plan, stopped, program, begins, phase, says, ends, fails]);
export type Happening = z.infer<typeof happening>;

/** An event of a step, before its process and time are added. */
export type StepEvent = Without<z.infer<typeof begins | typeof phase | typeof says | typeof ends | typeof fails>>;
type Without<Event> = Event extends unknown ? Omit<Event, "at" | "id"> : never;

/** The records of a file. A line that a kill or a full disk has cut is left out. */
export function parseRecords(text: string): Happening[] {
  return text.split("\n").flatMap((line) => {
    try {
      return happening.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      return [];
    }
  });
}
