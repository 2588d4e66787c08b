/** A run's records, put together: which steps ran, how they went, and which phases a node went through. */
import type { ErrorId } from "../errors.ts";
import type { Happening, RunRecord } from "./records.ts";

/** From `began` to `ended`, in milliseconds since 1970; `ended` is undefined while no end is recorded. */
interface Span {
  readonly began: number;
  ended: number | undefined;
}

interface PhaseAccount extends Span {
  readonly name: string;
}

export interface StepAccount extends Span {
  /** The program's name in `steps/`. */
  readonly step: string;
  readonly node: string | undefined;
  readonly kernel: string | undefined;
  readonly phases: PhaseAccount[];
  /** `open`: no end is recorded, because it is at work or was killed. */
  outcome: "done" | "failed" | "open";
  answer: unknown;
  failure: { readonly error: ErrorId; readonly message: string } | undefined;
  /** What it said last. */
  said: string | undefined;
}

/** One run as far as it is recorded. */
export interface History {
  readonly run: RunRecord;
  readonly began: number;
  /** The time of the last record. */
  readonly recorded: number;
  readonly steps: readonly StepAccount[];
  /** Why each node is to be done, null where it needn't; undefined until the program knows. */
  readonly plan: Readonly<Record<string, string | null>> | undefined;
  /** What made the program stop before its first resource. */
  readonly problems: readonly string[];
  /** Whether the program got all that it asked for; undefined while its end isn't recorded. */
  readonly finished: boolean | undefined;
}

/** @returns undefined where not even the run's begin is recorded */
export function historyOf(records: readonly Happening[]): History | undefined {
  const run = records.find((record) => record.event === "run");
  if (run === undefined) return undefined;
  const steps: StepAccount[] = [];
  const running = new Map<number, StepAccount>();
  for (const record of records) {
    if (record.event === "begins") {
      const step = begun(record);
      steps.push(step);
      running.set(record.id, step);
    } else if ("id" in record) {
      const step = running.get(record.id);
      if (step !== undefined) goOn(step, record);
    }
  }
  return {
    run,
    began: Date.parse(run.at),
    recorded: Math.max(...records.map((record) => Date.parse(record.at))),
    steps,
    plan: records.findLast((record) => record.event === "plan")?.nodes,
    problems: records.findLast((record) => record.event === "stopped")?.problems ?? [],
    finished: records.findLast((record) => record.event === "program")?.finished,
  };
}

function begun({ step, node, kernel, at }: Extract<Happening, { event: "begins" }>): StepAccount {
  const nothingYet = {
    ended: undefined,
    outcome: "open",
    answer: undefined,
    failure: undefined,
    said: undefined,
  } as const;
  return { step, node, kernel, began: Date.parse(at), phases: [], ...nothingYet };
}

type Further = Exclude<Extract<Happening, { id: number }>, { event: "begins" }>;

function goOn(step: StepAccount, record: Further): void {
  const time = Date.parse(record.at);
  const current = step.phases.at(-1);
  if (record.event === "says") {
    step.said = record.line;
    return;
  }
  if (current !== undefined) current.ended ??= time;
  if (record.event === "phase") {
    step.phases.push({ name: record.name, began: time, ended: undefined });
    return;
  }
  step.ended = time;
  step.outcome = record.event === "ends" ? "done" : "failed";
  if (record.event === "ends") step.answer = record.answer;
  else step.failure = { error: record.error, message: record.message };
}
