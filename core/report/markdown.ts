/** The report as Markdown, for a change ticket: the same, in the same order, without the picture. */
import type { NodeReport } from "./nodeReport.ts";
import type { FailureReport, Link, Report } from "./report.ts";
import { idealSentence } from "./timelineHtml.ts";
import { subject } from "./verdict.ts";
import { duration } from "../words.ts";
import { changesOf, clockTime, moment, outcomeWords, proofLines } from "./words.ts";

export function markdownReport(report: Report): string {
  const { nodes, ideal, history } = report;
  const blocks = [
    ...head(report),
    ...section("What failed, and the way on", report.failures.flatMap(failure)),
    ...section("Nodes", nodes.length === 0 ? [] : [nodeTable(nodes)]),
    ...section("Timeline", [
      ...(ideal === undefined ? [] : [text(idealSentence(ideal, history.run.maxParallel ?? 1))]),
      ...phaseTable(report),
    ]),
    ...nodes.flatMap((node) => details(node, report.links.nodes.get(node.name))),
    ...section("Builds and other steps", otherSteps(report)),
    `Made from the records of \`pulumi ${history.run.verb}\`, last at ${moment(history.recorded)}. All times are UTC.`,
  ];
  return `${blocks.join("\n\n")}\n`;
}

const section = (title: string, blocks: readonly string[]): string[] =>
  blocks.length === 0 ? [] : [`## ${title}`, ...blocks];

/** Text in which nothing is markup: names and messages may hold anything. One line. Within a word `_` means nothing. */
export const text = (value: string): string =>
  value
    .toWellFormed()
    .replaceAll(/[\p{Cc}\s]+/gv, " ")
    .replaceAll(/[\\`*\[\]|~]|^#|(?<![a-z0-9])_|_(?![a-z0-9])/gi, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (titles: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(titles), row(titles.map(() => "---")), ...rows.map(row)].join("\n");

const link = ({ text: shown, href }: Link): string => `[${text(shown)}](${href})`;

function head({ history, headline, standing }: Report): string[] {
  const { run, began, recorded } = history;
  const facts = [
    ...(run.release === undefined ? [] : [`OpenOnload ${text(run.release)}`]),
    ...(run.cluster === undefined ? [] : [`cluster ${text(run.cluster)}`]),
    ...(run.mode === undefined ? [] : [`enrolment ${run.mode}`]),
    `began ${moment(began)}`,
    `${standing === "open" ? "recorded until" : "ended"} ${moment(recorded)}, after ${duration(recorded - began)}`,
  ];
  return [
    `# ${text(headline)}`,
    `OpenOnload roll-out report, stack ${text(run.stack)}, \`pulumi ${run.verb}\``,
    facts.map((fact) => `- ${fact}`).join("\n"),
    ...(standing === "open"
      ? [
          `The run's end isn't recorded: it was still at work when this was written, or it was killed. Run \`pulumi ${run.verb}\` again: it goes on.`,
        ]
      : []),
  ];
}

function failure({ what, error, message, wayOn }: FailureReport): string[] {
  return [
    `### ${text(what)}${error === undefined ? "" : `: ${error}`}`,
    message
      .split("\n")
      .map((line) => `> ${text(line)}`)
      .join("\n>\n"),
    ...(wayOn.do === undefined ? [] : [`**Way on**: ${wayOn.do.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1")}`]),
    ...(wayOn.link === undefined ? [] : [`Runbook: ${link(wayOn.link)}`]),
  ];
}

const nodeTable = (nodes: readonly NodeReport[]): string =>
  table(
    ["node", "outcome", "OpenOnload before", "now"],
    nodes.map(({ name, outcome, release, before }) => [
      text(name),
      outcomeWords[outcome],
      text(release.before ?? (before === undefined ? "-" : "none")),
      text(release.now ?? "-"),
    ]),
  );

function phaseTable({ nodes }: Report): string[] {
  const rows = nodes.flatMap(({ name, steps }) =>
    steps.flatMap(({ phases }) =>
      phases.map((phase) => [
        text(name),
        phase.name,
        clockTime(phase.began),
        phase.ended === undefined ? "no end" : duration(phase.ended - phase.began),
      ]),
    ),
  );
  return rows.length === 0 ? [] : [table(["node", "phase", "began", "took"], rows)];
}

function details(node: NodeReport, log: Link | undefined): string[] {
  const proofs = proofLines(node);
  const said = node.steps.findLast(({ outcome }) => outcome === "open")?.said;
  return [
    `## ${text(node.name)}: ${outcomeWords[node.outcome]}`,
    ...(node.reason === undefined ? [] : [`Why it was to be done: ${text(node.reason)}.`]),
    ...changes(node),
    ...(proofs.length === 0 ? [] : [proofs.map((line) => `- ${text(line)}`).join("\n")]),
    ...(said === undefined ? [] : [`It said last: ${text(said)}`]),
    ...(log === undefined ? [] : [`Log: ${link(log)}`]),
  ];
}

/** Of a node that only leaves nothing of the kind was asked. */
function changes(node: NodeReport): string[] {
  if (node.before === undefined && node.proof === undefined) return [];
  const rows = changesOf(node).map(({ what, before, now }) => [what, text(before), text(now)]);
  return [table(["", "before", "now"], rows)];
}

function otherSteps({ history, links }: Report): string[] {
  const steps = history.steps.filter(({ node }) => node === undefined);
  const rows = steps.map(({ step, kernel, began, ended, outcome }) => [
    clockTime(began),
    text(subject(step, kernel)),
    outcome === "done" && ended !== undefined
      ? duration(ended - began)
      : outcomeWords[outcome === "failed" ? "failed" : "open"],
  ]);
  return [
    ...(rows.length === 0 ? [] : [table(["began", "step", "took"], rows)]),
    ...(links.builds.length === 0 ? [] : [`Build logs: ${links.builds.map(link).join(", ")}`]),
  ];
}
