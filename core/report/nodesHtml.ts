/** The page's sections about nodes: all in one table, then each with what it was, what it is, and its phases. */
import { leavePhases, rollPhases } from "../node/phases.ts";
import { html, type Markup } from "./markup.ts";
import type { NodeReport } from "./nodeReport.ts";
import { anchor, mark, table } from "./parts.ts";
import type { Link, Report } from "./report.ts";
import { duration } from "../words.ts";
import { changesOf, clockTime, proofLines } from "./words.ts";

export function nodeTable(nodes: readonly NodeReport[]): Markup | string {
  if (nodes.length === 0) return "";
  const rows = nodes.map((node) => [node.name, mark(node.outcome), releaseCell(node), outOfService(node)]);
  return html`<section>
    <h2>Nodes</h2>
    ${table("nodes", ["node", "outcome", "OpenOnload", "out of service"], rows)}
  </section>`;
}

function releaseCell({ release, before: found }: NodeReport): string {
  const { before = found === undefined ? "-" : "none", now } = release;
  return now === undefined || now === before ? before : `${before} → ${now}`;
}

/** From the cordon to the step's end; one that didn't end well has left the node cordoned. */
function outOfService({ steps }: NodeReport): string {
  const step = steps.findLast(({ phases }) => phases.some(({ name }) => name !== "check"));
  const began = step?.phases.find(({ name }) => name !== "check")?.began;
  if (step === undefined || began === undefined) return "-";
  return step.outcome === "done" && step.ended !== undefined
    ? duration(step.ended - began)
    : `since ${clockTime(began)}`;
}

export function nodeDetails({ nodes, links }: Report): Markup | string {
  if (nodes.length === 0) return "";
  return html`<section>
    <h2>Before and now, proofs, phases</h2>
    ${nodes.map((node) => details(node, links.nodes.get(node.name)))}
  </section>`;
}

function details(node: NodeReport, log: Link | undefined): Markup {
  const { name, outcome, reason, before } = node;
  return html`<article class="node">
    <h3>${name} ${mark(outcome)}</h3>
    ${reason === undefined ? "" : html`<p>Why it was to be done: ${reason}.</p>`}
    ${before?.unreachable === undefined ? "" : html`<p>Before: ${before.unreachable}.</p>`} ${changes(node)}
    ${proofs(node)} ${phases(node)} ${log === undefined ? "" : html`<p class="link">Log: ${anchor(log)}</p>`}
  </article>`;
}

/** Of a node that only leaves nothing of the kind was asked. */
function changes(node: NodeReport): Markup | string {
  if (node.before === undefined && node.proof === undefined) return "";
  const rows = changesOf(node).map(({ what, before, now }) => [
    what,
    before,
    before === now || now === "-" ? now : html`<b>${now}</b>`,
  ]);
  return table("changes", ["", "before", "now"], rows);
}

function proofs(node: NodeReport): Markup | string {
  const lines = proofLines(node);
  if (lines.length === 0) return "";
  return html`<h4>Proof</h4>
    <ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>`;
}

const titles = new Map<string, string>([...leavePhases, ...rollPhases].map(({ name, title }) => [name, title]));

function phases({ steps }: NodeReport): Markup | string {
  const all = steps.flatMap((step) => step.phases);
  const said = steps.findLast(({ outcome }) => outcome === "open")?.said;
  const last = said === undefined ? "" : html`<p>It said last: <q>${said}</q></p>`;
  if (all.length === 0) return last;
  const items = all.map(({ name, began, ended }) => {
    const took = ended === undefined ? "no end" : duration(ended - began);
    return html`<li title="${titles.get(name) ?? name}"><b>${name}</b> ${clockTime(began)}, ${took}</li>`;
  });
  return html`<h4>Phases</h4>
    <ol class="flow">
      ${items}
    </ol>
    ${last}`;
}
