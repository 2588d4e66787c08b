/** The report's picture of time: a row for the builds, one for each node, and where its turn would ideally be. */
import { proveNode } from "../contracts/proveNode.ts";
import { rollNode } from "../contracts/rollNode.ts";
import { leaveNode } from "../contracts/leaveNode.ts";
import type { StepAccount } from "./history.ts";
import type { Report } from "./report.ts";
import { subject } from "./verdict.ts";

/** A piece of a row, in milliseconds since 1970. */
export interface Bar {
  readonly name: string;
  readonly began: number;
  readonly ended: number;
  /** Whether the row's work failed here, or has no recorded end. */
  readonly end: "failed" | "open" | undefined;
}

export interface Row {
  readonly name: string;
  readonly bars: readonly Bar[];
  readonly ideal: { readonly began: number; readonly ended: number } | undefined;
}

export interface Timeline {
  readonly began: number;
  readonly ended: number;
  readonly rows: readonly Row[];
}

/** Steps of which each is one bar in the row of the builds. */
const building = ["uploadSrpm", "followModuleBuild", "buildNextKernel"];

/** @returns undefined where nothing took any time */
export function timelineOf({ history, nodes, ideal }: Report): Timeline | undefined {
  const builds = history.steps.filter(({ step }) => building.includes(step));
  const rows: Row[] = [
    {
      name: "builds",
      bars: builds.map((step) => barOf(step, subject(step.step, step.kernel), history.recorded)),
      ideal: undefined,
    },
    ...nodes.map(({ name, steps }) => {
      const turn = ideal?.turns.get(name);
      return {
        name,
        bars: steps.flatMap((step) => nodeBars(step, history.recorded)),
        ideal: turn === undefined || ideal === undefined ? undefined : { began: turn, ended: turn + ideal.each },
      };
    }),
  ].filter(({ bars, ideal }) => bars.length > 0 || ideal !== undefined);
  if (rows.length === 0) return undefined;
  const ended = rows.flatMap((row) => [...row.bars.map((bar) => bar.ended), row.ideal?.ended ?? 0]);
  return { began: history.began, ended: Math.max(history.began + 1, ...ended), rows };
}

function nodeBars(step: StepAccount, recorded: number): Bar[] {
  if (step.step === proveNode.program) return [barOf(step, "proof", recorded)];
  if (step.step !== rollNode.program && step.step !== leaveNode.program) return [];
  const [first] = step.phases;
  const looking = barOf({ ...step, ended: first?.began ?? step.ended }, "look", recorded);
  const phases = step.phases.map((phase) => ({
    ...barOf({ ...step, ...phase }, phase.name, recorded),
    end: phase === step.phases.at(-1) ? endOf(step) : undefined,
  }));
  return [{ ...looking, end: first === undefined ? endOf(step) : undefined }, ...phases];
}

const barOf = (step: Pick<StepAccount, "began" | "ended" | "outcome">, name: string, recorded: number): Bar => ({
  ...{ name, began: step.began, end: endOf(step) },
  ended: step.ended ?? recorded,
});

const endOf = ({ outcome }: Pick<StepAccount, "outcome">): Bar["end"] => (outcome === "done" ? undefined : outcome);

/** Distances between two marks on the axis, in seconds. */
const distances = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200];

const mostMarks = 6;

/** Marks on the axis: milliseconds after the begin. */
export function marksOf({ began, ended }: Timeline): number[] {
  const length = ended - began;
  const distance = (distances.find((seconds) => length / (seconds * 1000) <= mostMarks) ?? 86_400) * 1000;
  // One near the end would stand out of the picture, on a phone.
  return Array.from({ length: Math.floor((0.84 * length) / distance) + 1 }, (_, index) => index * distance);
}
