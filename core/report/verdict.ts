/** The report's first sentence, and whatever needs somebody's hand. */
import type { ErrorId } from "../errors.ts";
import type { History } from "./history.ts";
import type { NodeReport, Outcome } from "./nodeReport.ts";

/** Something that failed, and what it was about. */
export interface Failure {
  readonly what: string;
  /** Absent where the problem names its error in its text. */
  readonly error: ErrorId | undefined;
  readonly message: string;
}

/** How a run stands: `open` is one whose end isn't recorded, because it is at work or was killed. */
export type Standing = "good" | "failed" | "open";

export function failuresOf({ steps, problems }: History): Failure[] {
  const failed = steps.flatMap(({ step, node, kernel, failure }) =>
    failure === undefined ? [] : [{ what: node ?? subject(step, kernel), ...failure }],
  );
  const stopped = problems.map((message) => ({ what: "before the first change", error: idIn(message), message }));
  return [...stopped, ...failed];
}

/** The id at the end of a text that a person is told. */
const idIn = (message: string): ErrorId | undefined =>
  /\[(OKMM-[A-Z0-9-]+)\]$/.exec(message)?.[1] as ErrorId | undefined;

/** What the steps that are about no node do, in a person's words. */
const subjects: Readonly<Record<string, string>> = {
  uploadSrpm: "source build",
  followModuleBuild: "build of the kernel modules",
  buildNextKernel: "build for a kernel to come",
  keepIdentity: "the stack's identity",
  releaseModule: "release of the Module",
  guardDestroy: "guard of `destroy`",
  cancelBuilds: "cancelling of builds",
};

export const subject = (step: string, kernel?: string): string =>
  `${subjects[step] ?? step}${kernel === undefined ? "" : ` ${kernel}`}`;

export function standingOf(history: History): Standing {
  const { steps, problems, finished, run } = history;
  if (problems.length > 0 || steps.some(({ outcome }) => outcome === "failed")) return "failed";
  if (steps.some(({ outcome }) => outcome === "open")) return "open";
  if (run.verb === "destroy") return "good";
  return finished === true ? "good" : "open";
}

/** `2 of 3 nodes on 9.1.0; worker-2 failed: OKMM-DRAIN-STUCK; worker-3 not begun`. */
export function headline(history: History, nodes: readonly NodeReport[]): string {
  const { run, problems } = history;
  if (problems.length > 0) return "Stopped before the first change; nothing was done";
  const count = run.verb === "destroy" ? leftCount(nodes) : fitCount(nodes, run.release);
  const failed = failuresOf(history).map(({ what, error }) => `${what} failed: ${error ?? "see below"}`);
  const rest = told.flatMap(([outcome, words]) => {
    const names = nodes.filter((node) => node.outcome === outcome).map(({ name }) => name);
    return names.length === 0 ? [] : [`${list(names)} ${words}`];
  });
  return [count, ...failed, ...rest].join("; ");
}

/** Outcomes that the first sentence names nodes for. */
const told: readonly (readonly [Outcome, string])[] = [
  ["open", "without an end: at work, or killed"],
  ["unproven", "loaded, not proven"],
  ["pending", "waiting for your reboot"],
  ["waiting", "not begun"],
  ["held", "on hold"],
];

const mostNames = 5;

const list = (names: readonly string[]): string =>
  names.length <= mostNames ? names.join(", ") : `${names.length} nodes`;

function fitCount(nodes: readonly NodeReport[], release: string | undefined): string {
  const fit = nodes.filter(({ outcome }) => outcome === "proven" || outcome === "same");
  const on = release === undefined ? "in service" : `on ${release}`;
  const all = nodes.filter(({ outcome }) => outcome !== "left").length;
  return `${fit.filter((node) => release === undefined || node.release.now === release).length} of ${all} ${all === 1 ? "node" : "nodes"} ${on}`;
}

function leftCount(nodes: readonly NodeReport[]): string {
  const left = nodes.filter(({ outcome }) => outcome === "left").length;
  return `${left} of ${nodes.length} ${nodes.length === 1 ? "node" : "nodes"} handed back`;
}
