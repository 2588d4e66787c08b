/** What `npm run status` finds of each listed node, beside what the stack wants of it. Its JSON is docs/status.md's. */
import { z } from "zod";
import { forKernel, kmmKernel, releaseOf } from "../build/imageTag.ts";
import type { LiveModule } from "../cluster/ownObjects.ts";
import type { Settings } from "../configuration/settings.ts";
import { mokManagerTask } from "../firmware/mokManagerTask.ts";
import { annotations, moduleName } from "../names.ts";
import { card, cardsOf } from "./cards.ts";
import { driverProblems, isTrusted, machineState, type MachineState } from "./machineState.ts";
import {
  cordonedBy,
  isCordoned,
  isReady,
  kmmAccount,
  kmmAccounts,
  loadedImage,
  versionOn,
  type NodeModulesConfig,
  type RollNode,
} from "./nodeState.ts";
import { parseRollState, type RollState } from "./rollState.ts";

const wantedAndFound = z.object({ wanted: z.string().nullable(), found: z.string().nullable() });

/** What can be otherwise than the stack wants it, by the member that tells. */
const deviation = z.enum([
  "exists",
  "ready",
  "service",
  "answers",
  "key",
  "version",
  "image",
  "kmm",
  "driver",
  "phase",
  "todo",
]);

/** One node. Null is what isn't known, or of which nothing is wanted: a held node may run what it likes. */
export const nodeStatus = z.object({
  node: z.string(),
  /** Whether it is as it should be: nothing in `deviates`. */
  asWanted: z.boolean(),
  deviates: z.array(deviation),
  held: z.boolean(),
  exists: z.boolean(),
  ready: z.boolean().nullable(),
  service: z.object({
    cordoned: z.boolean().nullable(),
    /** The stack that cordoned it; null also where somebody else did. */
    cordonedBy: z.string().nullable(),
  }),
  /** Whether the machine itself answered over SSH, and why not. */
  answers: z.boolean(),
  unreachable: z.string().nullable(),
  secureBoot: machineState.shape.secureBoot.nullable(),
  /** Our certificate in the firmware or kernel; needed with Secure Boot alone. */
  key: z.object({
    needed: z.boolean().nullable(),
    trusted: z.boolean().nullable(),
    found: machineState.shape.key,
  }),
  kernel: z.string().nullable(),
  /** The hash that the node's label names. */
  version: wantedAndFound,
  /** By KMM's account. */
  image: wantedAndFound,
  /** The release in the image's tag. */
  release: wantedAndFound,
  kmm: z.enum(kmmAccounts),
  driver: z.object({
    /** Of the interfaces, as `ethtool -i` prints them, each once. */
    versions: z.array(z.string()),
    /** Why OpenOnload's driver doesn't run, in words; null where the machine didn't answer. */
    problems: z.array(z.string()).nullable(),
  }),
  /** What an `up` is doing, or where it stopped. */
  phase: z.object({ name: z.string(), since: z.string() }).nullable(),
  /** What a person must do for it now. */
  todo: z.string().nullable(),
  cards: z.array(card),
});
export type NodeStatus = z.infer<typeof nodeStatus>;

/** What is known of one listed node; absent if it couldn't be asked. */
export interface NodeReport {
  readonly name: string;
  readonly hold: boolean;
  readonly node?: RollNode | undefined;
  readonly nmc?: NodeModulesConfig | undefined;
  readonly machine?: MachineState | undefined;
  /** Command that opens its console, where one is configured. */
  readonly console?: string | undefined;
  /** Why the machine couldn't be asked. */
  readonly unreachable?: string | undefined;
}

/** What the stack wants, and how its nodes come to trust the key. */
export interface Wanted {
  readonly namespace: string;
  readonly enrolment: Pick<Settings["enrolment"], "mode" | "timeoutMinutes">;
  /** Absent before the first `up`. Not the stack's outputs: these are of the last `up` that ended well. */
  readonly module?: LiveModule | undefined;
}

/** @param now milliseconds since 1970 */
export function statusOf(report: NodeReport, wanted: Wanted, now: number): NodeStatus {
  const found = { ...ofCluster(report, wanted), ...ofMachine(report), ...ofPeople(report, wanted, now) };
  const deviates = deviations(found);
  return { node: report.name, asWanted: deviates.length === 0, deviates, ...found };
}

type Found = Omit<NodeStatus, "node" | "asWanted" | "deviates">;

/** What the cluster tells of it. */
function ofCluster({ node, nmc, hold }: NodeReport, { namespace, module }: Wanted) {
  const target = { namespace, module: moduleName };
  // Nothing is wanted of a held node.
  const container = hold ? {} : (module?.spec.moduleLoader?.container ?? {});
  const wanted = container.version ?? null;
  if (node === undefined) {
    return { ...gone, held: hold, version: { wanted, found: null } };
  }
  const kernel = node.status.nodeInfo.kernelVersion;
  const image = { wanted: imageFor(kernel, container.kernelMappings ?? []), found: loadedImage(nmc, target) ?? null };
  return {
    held: hold,
    exists: true,
    ready: isReady(node),
    service: { cordoned: isCordoned(node), cordonedBy: cordonedBy(node) ?? null },
    kernel,
    version: { wanted, found: versionOn(node, target) ?? null },
    image,
    release: { wanted: releaseIn(image.wanted), found: releaseIn(image.found) },
    kmm: kmmAccount(node, nmc, target),
  };
}

/** What is known of a Node that the cluster doesn't have. */
const gone = {
  exists: false,
  ready: null,
  service: { cordoned: null, cordonedBy: null },
  kernel: null,
  image: { wanted: null, found: null },
  release: { wanted: null, found: null },
  kmm: "none",
} as const;

type Mappings = NonNullable<NonNullable<LiveModule["spec"]["moduleLoader"]>["container"]>["kernelMappings"];

function imageFor(kernel: string, mappings: NonNullable<Mappings>): string | null {
  const image = mappings.find(({ literal }) => literal === kmmKernel(kernel))?.containerImage;
  return image === undefined ? null : forKernel(image, kernel);
}

const releaseIn = (image: string | null): string | null => (image === null ? null : (releaseOf(image) ?? null));

/** What the machine itself tells. */
function ofMachine({ machine, unreachable }: NodeReport) {
  if (machine === undefined) {
    return {
      answers: false,
      unreachable: unreachable ?? null,
      secureBoot: null,
      key: { needed: null, trusted: null, found: null },
      driver: { versions: [], problems: null },
      cards: [],
    };
  }
  const needed = machine.secureBoot === "enabled";
  return {
    answers: true,
    unreachable: null,
    secureBoot: machine.secureBoot,
    // Trusted or not: without Secure Boot nobody asks.
    key: { needed, trusted: needed ? isTrusted(machine) : null, found: machine.key },
    driver: {
      versions: [...new Set(machine.interfaces.map(({ version }) => version ?? "?"))],
      problems: driverProblems(machine),
    },
    cards: cardsOf(machine),
  };
}

/** What an `up` has noted on it, and what that leaves to a person. */
function ofPeople(report: NodeReport, { enrolment }: Wanted, now: number) {
  const state = parseRollState(report.node?.metadata.annotations?.[annotations.roll]);
  return {
    phase: state === undefined ? null : { name: state.phase, since: state.since },
    todo: report.node === undefined ? null : (todoOf(report, state, enrolment, now) ?? null),
  };
}

/** What MokManager waits for, as far as the node's own noted phase and its key tell. */
function todoOf(
  { name, machine, console }: NodeReport,
  state: RollState | undefined,
  enrolment: Wanted["enrolment"],
  now: number,
): string | undefined {
  const request = state === undefined ? undefined : requests[state.phase];
  if (enrolment.mode === "attended" && state !== undefined && request !== undefined && machine === undefined) {
    const minutesLeft = enrolment.timeoutMinutes - (now - Date.parse(state.since)) / 60_000;
    return mokManagerTask({ node: name, request, console, minutesLeft });
  }
  if (enrolment.mode !== "operator" || machine?.key !== "pending") return undefined;
  return `reboot it in a window of your own; then ${mokManagerTask({ node: name, request: "enrol", console })}`;
}

/** What a node in a phase is asked for by its firmware. */
const requests: Readonly<Partial<Record<RollState["phase"], "enrol" | "delete">>> = {
  reboot: "enrol",
  remove: "delete",
};

type Deviation = NodeStatus["deviates"][number];

/** Each thing that isn't as the stack wants it; of a node that is gone, that. */
function deviations(found: Found): Deviation[] {
  if (!found.exists) return ["exists"];
  const always: [Deviation, boolean][] = [
    ["ready", found.ready !== true],
    ["service", found.service.cordoned !== false],
    ["phase", found.phase !== null],
    ["todo", found.todo !== null],
  ];
  return [...always, ...(found.held ? [] : ofDriver(found))].flatMap(([member, deviates]) => (deviates ? member : []));
}

/** What is wanted of a node that isn't held. */
function ofDriver({ answers, key, version, image, kmm, driver }: Found): [Deviation, boolean][] {
  return [
    ["answers", !answers],
    ["key", key.needed === true && key.trusted !== true],
    ["version", version.found === null || version.found !== version.wanted],
    ["image", image.found === null || image.found !== image.wanted],
    ["kmm", kmm !== "loaded"],
    ["driver", driver.problems !== null && driver.problems.length > 0],
  ];
}
