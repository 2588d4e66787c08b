/** Which mutants nobody noticed, as docs/mutation.md lists them. */

interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is used of Stryker's results; its positions count from 1. */
export interface Mutant {
  /** From the project's root. */
  readonly fileName: string;
  readonly status: string;
  readonly replacement?: string;
  readonly location: { readonly start: Position; readonly end: Position };
}

/** Begins one file's listing, and ends the one before. */
const heading = "### ";

/** Longest that a piece of code is quoted, in characters. */
const quoted = 80;

/** One file's listing: its counts, and each mutant that no test noticed. */
export function listing(fileName: string, source: string, mutants: readonly Mutant[]): string {
  const counted = mutants.filter(({ status }) => !["Ignored", "CompileError", "RuntimeError"].includes(status));
  const unnoticed = counted.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  const untested = unnoticed.filter(({ status }) => status === "NoCoverage").length;
  const killed = counted.length - unnoticed.length;
  const counts = `${counted.length} mutants: ${killed} killed, ${unnoticed.length - untested} survive, ${untested} reached by no test`;
  return [`${heading}${fileName}`, "", `${counts}.`, "", ...unnoticed.map((mutant) => line(source, mutant))]
    .join("\n")
    .trimEnd();
}

/** The document with these listings in the place of the same files' older ones, in order. */
export function merged(document: string, listings: readonly string[]): string {
  const [head = "", ...older] = document.split(/^(?=### )/m).map((part) => part.trimEnd());
  const byFile = new Map([...older, ...listings].map((each) => [each.split("\n", 1)[0], each]));
  return `${[head, ...[...byFile.values()].sort()].join("\n\n")}\n`;
}

function line(source: string, { location, replacement = "", status }: Mutant): string {
  const text = source.slice(offset(source, location.start), offset(source, location.end));
  const untested = status === "NoCoverage" ? ", reached by no test" : "";
  return `- line ${location.start.line}${untested}: ${code(text)} → ${code(replacement)}`;
}

const offset = (source: string, { line, column }: Position): number =>
  source
    .split("\n")
    .slice(0, line - 1)
    .join("\n").length +
  (line > 1 ? 1 : 0) +
  column -
  1;

/** A piece of code on one line, its middle left out where it is long. */
function code(text: string): string {
  const words = text.replaceAll(/\s+/g, " ");
  const half = quoted / 2;
  return `\`\` ${words.length > quoted ? `${words.slice(0, half)} … ${words.slice(-half)}` : words} \`\``;
}
