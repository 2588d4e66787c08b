import { formatElapsed } from "@onload-kmm/sandbox/toolchain/pace";
import type { Failure, Result } from "./result.ts";

const width = 80;

/** How many tests failed; a part that failed as a whole counts as one. */
export function failedIn(results: readonly Result[]): number {
  return results.reduce((sum, { failures }) => sum + failures.length, 0);
}

/**
 * All that was run, 80 columns wide: the parts, each failure with the command that runs it alone, and a last line
 * `N passed, N failed`.
 */
export function table(results: readonly Result[]): string {
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failures = results.flatMap((result) => result.failures.map((failure) => describe(result, failure)));
  const lines = [row("part", ["passed", "failed", "skipped", "time"]), ...results.map(line), "", ...failures.flat()];
  return `${lines.join("\n")}\n${passed} passed, ${failures.length} failed\n`;
}

function line({ part, passed, failures, skipped, elapsedMs, notRun }: Result): string {
  if (notRun !== undefined) return wrap(`not run: ${notRun}`, part.padEnd(10));
  return row(part, [passed, failures.length, skipped, formatElapsed(elapsedMs)]);
}

function row(part: string, cells: readonly (string | number)[]): string {
  return part.padEnd(10) + cells.map((cell) => String(cell).padStart(9)).join("");
}

function describe({ part }: Result, { name, file, why }: Failure): string[] {
  const lines = [wrap(name, "FAILED ")];
  if (file !== undefined) lines.push(`  in     ${file}`);
  if (why !== "") lines.push(wrap(why, "  why    "));
  return [...lines, `  alone  npm test -- ${file ?? part}`, ""];
}

/** Text behind `lead`, in lines of at most 80 columns; a longer word keeps a line of its own. */
function wrap(text: string, lead: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const joined = `${lines.at(-1) ?? ""} ${word}`.trimStart();
    if (lines.length > 0 && lead.length + joined.length <= width) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lead + lines.join(`\n${" ".repeat(lead.length)}`);
}
