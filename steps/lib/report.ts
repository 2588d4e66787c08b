/**
 * The records of a run and the report that is made from them: `reports/<stack>/<time>.jsonl`, `.html` and `.md`. Every
 * process of a run appends its own lines, and writes the report anew: nobody can be relied on to be there at the end of
 * a run that fails or is killed. A report that can't be written ends no roll-out.
 */
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { htmlReport } from "../../core/report/html.ts";
import { markdownReport } from "../../core/report/markdown.ts";
import { parseRecords, type Happening, type RunRecord, type StepEvent } from "../../core/report/records.ts";
import { reportOf, type Surroundings } from "../../core/report/report.ts";
import type { Contract } from "../../core/contracts/contract.ts";
import { now, timestamp } from "./clock.ts";
import { inHome } from "./inHome.ts";
import { printLines } from "./output.ts";
import { isAlive, runner } from "./runner.ts";

/** A run's place: its files are this path with an ending. */
export const reportPath = (stack: string, run: string): string => join("reports", stack, run);

/** A run's name: when it began, as a file may be named on any system. */
export const runName = (iso: string): string => `${iso.slice(0, 19).replaceAll(":", "-")}Z`;

/** Where the runs are noted that are under way, by who runs their steps. */
const runsFolder = (): string => inHome(join("reports", ".runs"));

/** This process's run; undefined where it belongs to none, as in a preview. */
let path: string | undefined;
/** Whether this process works on one node, as many others do. */
let isOneOfMany = false;

/** Begins a run's records, unless a step of the same run was quicker. */
export function beginRun(run: string, record: Omit<RunRecord, "event" | "at">): void {
  quietly(() => {
    const noted = join(runsFolder(), runner());
    const own = `${noted}.${process.pid}`;
    mkdirSync(runsFolder(), { recursive: true });
    mkdirSync(dirname(inHome(reportPath(record.stack, run))), { recursive: true });
    forgetEndedRuns();
    writeFileSync(own, reportPath(record.stack, run));
    try {
      linkSync(own, noted);
      const first: Happening = { event: "run", at: timestamp(), ...record };
      appendFileSync(inHome(`${reportPath(record.stack, run)}.jsonl`), `${JSON.stringify(first)}\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(own);
    }
    joinRun();
    render();
  });
}

/** Finds this step's run, and records that it begins. */
export function enterRun<Input>({ program, beginsRun }: Contract<Input, unknown>, input: Input, node?: string): void {
  joinRun();
  isOneOfMany = node !== undefined;
  const { stack, kernel } = input as { stack?: string; kernel?: unknown };
  if (path === undefined && beginsRun === true && stack !== undefined)
    beginRun(runName(timestamp()), { verb: "destroy", stack, nodes: [] });
  note({
    event: "begins",
    step: program,
    ...(node !== undefined && { node }),
    ...(typeof kernel === "string" && { kernel }),
  });
}

function joinRun(): void {
  try {
    path = readFileSync(join(runsFolder(), runner()), "utf8");
  } catch {
    path = undefined;
  }
}

/** Records what this step does. */
export function note(event: StepEvent): void {
  if (path === undefined) return;
  append({ ...event, id: process.pid, at: timestamp() });
  // What is said is in the node's log, and on the terminal.
  if (event.event === "says") return;
  const isEnd = event.event === "ends" || event.event === "fails";
  if (isEnd || !isOneOfMany || isStale(inHome(path))) quietly(render);
}

/** Milliseconds between two reports, for each byte of the records: a twentieth of that time goes into writing them. */
const restPerByte = 1 / 300;

/**
 * Whether a node's progress is to be shown now. With hundreds of nodes writing a report takes long, and each node goes through a
 * dozen phases. What ends is always written: nobody may come after it.
 */
function isStale(file: string): boolean {
  try {
    const age = now() - statSync(`${file}.html`).mtimeMs;
    return age >= statSync(`${file}.jsonl`).size * restPerByte;
  } catch {
    return true;
  }
}

/** Which run, for its program: it isn't started by the one who starts steps. */
interface RunPlace {
  readonly stack: string;
  readonly name: string;
}

/** Whether the run's first record is written: not where nothing really runs, as under mocks. */
export const isBegun = ({ stack, name }: RunPlace): boolean => existsSync(inHome(`${reportPath(stack, name)}.jsonl`));

/** Records what the program knows of its own run. */
export function noteOf(run: RunPlace, event: Extract<Happening, { event: "plan" | "stopped" | "program" }>): void {
  if (!isBegun(run)) return;
  path = reportPath(run.stack, run.name);
  append(event);
  quietly(render);
}

/** In one write, so that processes don't mix their lines. */
function append(record: Happening): void {
  quietly(() => {
    if (path !== undefined) appendFileSync(inHome(`${path}.jsonl`), `${JSON.stringify(record)}\n`, { flag: "a" });
  });
}

/**
 * Writes the report from all records. Another process may have appended meanwhile, and its report be replaced by this older
 * one: so it is written again until nothing was appended. Whoever appends after that writes a newer one.
 */
function render(): void {
  if (path === undefined) return;
  const file = inHome(path);
  let written: number | undefined;
  while (statSync(`${file}.jsonl`).size !== written) {
    const bytes = readFileSync(`${file}.jsonl`);
    const records = parseRecords(bytes.toString("utf8"));
    const report = reportOf(records, surroundings(file, records[0]?.at));
    if (report === undefined) return;
    replace(`${file}.html`, htmlReport(report));
    replace(`${file}.md`, markdownReport(report));
    written = bytes.length;
  }
}

/** A reader sees the old text or the new one, never a part. */
function replace(file: string, text: string): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, file);
}

function surroundings(file: string, began = ""): Surroundings {
  const folder = resolve(dirname(file));
  const logs = inHome(join("logs", ...relative(resolve(inHome("reports")), folder).split("/")));
  return {
    runbook: readIfThere("docs/runbook.md"),
    project: relative(folder, resolve(".")),
    logs: relative(folder, resolve(logs)),
    logFiles: filesSince(logs, Date.parse(began)),
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Names of the files that were written to since then. @param since milliseconds since 1970 */
function filesSince(folder: string, since: number): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => statSync(join(folder, name)).mtimeMs >= since)
      .sort();
  } catch {
    return [];
  }
}

/** Forgets who ran steps of runs that are over: else it grows by a file with each run. */
function forgetEndedRuns(): void {
  for (const name of readdirSync(runsFolder())) {
    if (!name.includes(".") && !isAlive(name)) rmSync(join(runsFolder(), name), { force: true });
  }
}

function quietly(write: () => void): void {
  try {
    write();
  } catch (error) {
    path = undefined;
    printLines(`the run's report can't be written: ${(error as Error).message}; going on without it`);
  }
}
