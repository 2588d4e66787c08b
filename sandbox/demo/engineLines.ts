/** What the Pulumi CLI prints where there is no terminal, as far as the demo's story needs it. */

/** One resource's line. */
export interface ResourceLine {
  /** The resource's name in the program. */
  readonly name: string;
  /** `create`, `update`, `replace` or `delete`. */
  readonly op: Operation;
  readonly stage: "begun" | "done" | "failed";
  /** What the resource says of itself now; empty where it says nothing. */
  readonly message: string;
}

export type Operation = "create" | "update" | "replace" | "delete";

const verbs: Readonly<Record<string, Operation>> = {
  ...{ creating: "create", created: "create", updating: "update", updated: "update" },
  ...{ replacing: "replace", replaced: "replace", deleting: "delete", deleted: "delete" },
};

/** ` +  command:local:Command worker-1-roll created (12s) …`; failures have their operation between asterisks. */
const resourceLine =
  /^ *[-+~*]* +[\w.-]+:[\w./-]+:\w+ (\S+) \**(creating|created|updating|updated|replacing|replaced|deleting|deleted)( failed)?\**(?: \([\d.]+m?s?[\d.]*s?\))?(?: \d\d:\d\d)? ?(.*)$/;

/** Undefined for any other line. */
export function parseResourceLine(line: string): ResourceLine | undefined {
  const [, name, verb, failed, message = ""] = resourceLine.exec(line) ?? [];
  const op = verbs[verb ?? ""];
  if (name === undefined || verb === undefined || op === undefined) return undefined;
  const stage = failed === undefined ? (verb.endsWith("ing") ? "begun" : "done") : "failed";
  return { name, op, stage, message: message.trim() };
}

/** Lines about the engine's plugins: the story says once which are stand-ins. */
const onPlugins = /(using pulumi-\S+ from \$PATH at|pulumi-\S+: a stand-in for) /;

/** The diagnostics, which the CLI prints at the end: messages in the order in which they came, plugins left out. */
function diagnosticsOf(output: readonly string[]): string[] {
  const from = output.findLastIndex((line) => line === "Diagnostics:");
  if (from === -1) return [];
  const to = output.findIndex((line, index) => index > from && /^(Resources|Outputs):/.test(line));
  const lines = output.slice(from + 1, to === -1 ? undefined : to);
  return lines.filter((line) => line.trim() !== "" && !onPlugins.test(line));
}

/** What `preview` says in sentences, without their bullets. */
export function planSentences(output: readonly string[]): string[] {
  const lines = diagnosticsOf(output);
  const from = lines.findIndex((line) => line.trim() === "What will happen to the nodes:");
  if (from === -1) return [];
  const rest = lines.slice(from + 1);
  const to = rest.findIndex((line) => !/^ +- /.test(line));
  return rest.slice(0, to === -1 ? undefined : to).map((line) => line.replace(/^ +- /, ""));
}

/** `49 created, 2 unchanged`: the counts of resources that the CLI ends with; undefined where there are none. */
export function resourceCounts(output: readonly string[]): string | undefined {
  const from = output.findLastIndex((line) => line === "Resources:");
  if (from === -1) return undefined;
  const counts: string[] = [];
  for (const line of output.slice(from + 1)) {
    const [, count] = /^ +(?:[-+~]+ )?(\d+ [a-z ]+)$/.exec(line) ?? [];
    if (count === undefined) break;
    counts.push(count);
  }
  return counts.length === 0 ? undefined : counts.join(", ");
}

/** Lines that tell why a command failed, at most so many: its diagnostics, else the last that it said. */
export function whyFailed(output: readonly string[], most: number): string[] {
  const told = diagnosticsOf(output);
  const lines = told.length > 0 ? told : output.filter((line) => line.trim() !== "" && !onPlugins.test(line));
  return lines.slice(-most);
}
