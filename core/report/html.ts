/** The report as one page that needs nothing else: no script, no font, no picture from elsewhere. */
import { html, type Markup } from "./markup.ts";
import { nodeDetails, nodeTable } from "./nodesHtml.ts";
import { anchor, mark, table } from "./parts.ts";
import type { FailureReport, Report } from "./report.ts";
import { style } from "./style.ts";
import { timelineSection } from "./timelineHtml.ts";
import { subject } from "./verdict.ts";
import { duration } from "../words.ts";
import { clockTime, moment } from "./words.ts";

/** One self-contained page. Its policy lets a browser load and run nothing, whatever a name or a message holds. */
export function htmlReport(report: Report): string {
  const { run } = report.history;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <title>${run.stack}: ${report.headline}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <main>
          ${head(report)} ${failures(report.failures)} ${nodeTable(report.nodes)} ${timelineSection(report)}
          ${nodeDetails(report)} ${otherSteps(report)} ${foot(report)}
        </main>
      </body>
    </html> `.text;
}

function head({ history, headline, standing }: Report): Markup {
  const { run, began, recorded } = history;
  const facts: [string, string][] = [
    ...(run.release === undefined ? [] : [["OpenOnload", run.release] as [string, string]]),
    ...(run.cluster === undefined ? [] : [["cluster", run.cluster] as [string, string]]),
    ...(run.mode === undefined ? [] : [["enrolment", run.mode] as [string, string]]),
    ["began", moment(began)],
    [standing === "open" ? "recorded until" : "ended", `${moment(recorded)}, after ${duration(recorded - began)}`],
  ];
  return html`<header>
    <p class="kind">OpenOnload roll-out report · stack <b>${run.stack}</b> · <code>pulumi ${run.verb}</code></p>
    <h1 class="${standing}">${headline}</h1>
    <dl class="facts">
      ${facts.map(
        ([what, value]) =>
          html`<div>
            <dt>${what}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    ${standing === "open" ? html`<p class="note">The run’s end isn’t recorded: it was still at work when this was written, or it was killed. Run <code>pulumi ${run.verb}</code> again: it goes on.</p>` : ""}
  </header>`;
}

function failures(all: readonly FailureReport[]): Markup | string {
  if (all.length === 0) return "";
  return html`<section>
    <h2>What failed, and the way on</h2>
    ${all.map(
      ({ what, error, message, wayOn }) =>
        html`<article class="failure">
          <h3>${what}${error === undefined ? "" : html` <span class="id">${error}</span>`}</h3>
          <pre>${message}</pre>
          ${wayOn.do === undefined ? "" : html`<p><b>Way on:</b> ${inline(wayOn.do)}</p>`}
          ${wayOn.link === undefined ? "" : html`<p class="link">Runbook: ${anchor(wayOn.link)}</p>`}
        </article>`,
    )}
  </section>`;
}

/** The runbook's Markdown within a line: code, and nothing else. */
const inline = (markdown: string): Markup[] =>
  markdown
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .split("`")
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part.replaceAll("**", "")}`));

function otherSteps({ history, links }: Report): Markup | string {
  const steps = history.steps.filter(({ node }) => node === undefined);
  if (steps.length === 0 && links.builds.length === 0) return "";
  const rows = steps.map(({ step, kernel, began, ended, outcome }) => [
    clockTime(began),
    html`${subject(step, kernel)} ${outcome === "done" ? "" : mark(outcome)}`,
    ended === undefined ? "no end" : duration(ended - began),
  ]);
  const logs = links.builds.map((link) => html`<li>${anchor(link)}</li>`);
  return html`<section>
    <h2>Builds and other steps</h2>
    ${table("phases", [], rows)}
    ${
      logs.length === 0
        ? ""
        : html`<h4>Build logs</h4>
            <ul class="link">
              ${logs}
            </ul>`
    }
  </section>`;
}

const foot = ({ history }: Report): Markup =>
  html`<footer>
    Made from the records of <code>pulumi ${history.run.verb}</code>, last at ${moment(history.recorded)}. All times are
    UTC. Links lead to files on the machine that ran it.
  </footer>`;
