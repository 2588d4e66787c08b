/** Reads what earlier runs of a stack recorded. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { historyOf, type History } from "../../core/report/history.ts";
import { parseRecords } from "../../core/report/records.ts";
import { inHome } from "./inHome.ts";
import { reportPath } from "./report.ts";

/** Runs that are read: a stack that is rolled each day keeps its reports for years. */
const mostRuns = 30;

/** The newest first. A run whose records can't be read is left out. */
export function pastRuns(stack: string): History[] {
  const folder = inHome(dirname(reportPath(stack, "run")));
  return namesIn(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .sort()
    .reverse()
    .slice(0, mostRuns)
    .flatMap((name) => historyIn(join(folder, name)) ?? []);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function historyIn(file: string): History | undefined {
  try {
    return historyOf(parseRecords(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}
