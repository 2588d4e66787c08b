/** Reads what earlier runs of a stack recorded. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { historyOf, type History } from "../../core/report/history.ts";
import { parseRecords } from "../../core/report/records.ts";
import { inHome } from "./inHome.ts";
import { reportPath } from "./report.ts";

/** Runs that are read at most: a stack that is rolled each day keeps its reports for years. */
const mostRuns = 10;

/** The newest first, each read when it is asked for. A run whose records can't be read is left out. */
export function* pastRuns(stack: string): Generator<History> {
  const folder = inHome(dirname(reportPath(stack, "run")));
  const names = namesIn(folder).filter((name) => name.endsWith(".jsonl"));
  for (const name of names.sort().reverse().slice(0, mostRuns)) {
    const history = historyIn(join(folder, name));
    if (history !== undefined) yield history;
  }
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
