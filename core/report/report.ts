/** Everything that a report tells, made from a run's records; html.ts and markdown.ts only give it a form. */
import { paragraphOf } from "../errors.ts";
import { historyOf, type History } from "./history.ts";
import { idealOf, type Ideal } from "./ideal.ts";
import { nodeReports, type NodeReport } from "./nodeReport.ts";
import type { Happening } from "./records.ts";
import { wayOn, type WayOn } from "./runbook.ts";
import { failuresOf, headline, standingOf, type Failure, type Standing } from "./verdict.ts";

/** What the report's reader may open, and what is quoted from there. */
export interface Surroundings {
  /** Text of docs/runbook.md; empty where it can't be read. */
  readonly runbook: string;
  /** Path of the project's folder from the report's: for links to docs. */
  readonly project: string;
  /** Path of the logs' folder from the report's. */
  readonly logs: string;
  /** Names of the files there that this run has written to. */
  readonly logFiles: readonly string[];
}

/** A link, relative to the report. */
export interface Link {
  readonly text: string;
  readonly href: string;
}

export interface FailureReport extends Failure {
  readonly wayOn: WayOn & { readonly link: Link | undefined };
}

export interface Report {
  readonly history: History;
  readonly standing: Standing;
  readonly headline: string;
  readonly nodes: readonly NodeReport[];
  readonly failures: readonly FailureReport[];
  readonly ideal: Ideal | undefined;
  readonly links: {
    /** Of each node that has a log, by its name. */
    readonly nodes: ReadonlyMap<string, Link>;
    /** Of builds. */
    readonly builds: readonly Link[];
  };
}

/** @returns undefined where the records don't even tell of a run */
export function reportOf(records: readonly Happening[], around: Surroundings): Report | undefined {
  const history = historyOf(records);
  if (history === undefined) return undefined;
  const nodes = nodeReports(history);
  const failures = failuresOf(history).map((failure) => ({ ...failure, wayOn: wayOnFrom(failure, around) }));
  return {
    ...{ history, nodes, failures },
    standing: standingOf(history),
    headline: headline(history, nodes),
    ideal: idealOf(nodes, history.run.maxParallel ?? 1),
    links: linksOf(nodes, around),
  };
}

function wayOnFrom({ error }: Failure, { runbook, project }: Surroundings): FailureReport["wayOn"] {
  if (error === undefined) return { means: undefined, do: undefined, link: undefined };
  const paragraph = paragraphOf(error);
  const [page = "", anchor = ""] = paragraph.split("#");
  return { ...wayOn(runbook, error), link: { text: paragraph, href: `${pathTo(project, page)}#${anchor}` } };
}

function linksOf(nodes: readonly NodeReport[], { logs, logFiles }: Surroundings): Report["links"] {
  const linkTo = (file: string): Link => ({ text: file, href: pathTo(logs, file) });
  const own = new Map(nodes.map(({ name }) => [`${name}.log`, name]));
  return {
    nodes: new Map(logFiles.flatMap((file) => (own.has(file) ? [[own.get(file) ?? "", linkTo(file)]] : []))),
    builds: logFiles.filter((file) => !own.has(file)).map(linkTo),
  };
}

/** A relative link. Each part is escaped, as a file's name may hold what means something in an address or in Markdown. */
const pathTo = (folder: string, file: string): string =>
  [...folder.split("/"), ...file.split("/")]
    .map((part) => encodeURIComponent(part).replaceAll("(", "%28").replaceAll(")", "%29"))
    .join("/");
