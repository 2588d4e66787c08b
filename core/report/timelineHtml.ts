/** The timeline as boxes on a line: no picture, so that it prints sharp and can be read aloud. */
import { html, type Markup } from "./markup.ts";
import type { Ideal } from "./ideal.ts";
import type { Report } from "./report.ts";
import { marksOf, timelineOf, type Bar, type Row, type Timeline } from "./timeline.ts";
import { duration } from "../words.ts";
import { clockTime } from "./words.ts";

export function timelineSection(report: Report): Markup | string {
  const timeline = timelineOf(report);
  if (timeline === undefined) return "";
  const { ideal, history } = report;
  return html`<section class="timeline">
    <h2>Timeline</h2>
    ${ideal === undefined ? "" : html`<p>${idealSentence(ideal, history.run.maxParallel ?? 1)}</p>`}
    <div class="rows">
      ${timeline.rows.map((row) => rowOf(row, timeline))}
      <div class="row axis">
        <div class="name"></div>
        <div class="line">
          ${marksOf(timeline).map(
            (mark) => html`<span style="left:${share(mark, timeline)}%">${clockTime(timeline.began + mark)}</span>`,
          )}
        </div>
      </div>
    </div>
    ${legend(timeline)}
  </section>`;
}

/** What the roll-out took, and what it could have taken at best. */
export function idealSentence({ each, measured, total, taken, turns }: Ideal, maxParallel: number): string {
  const at =
    turns.size === 1
      ? ""
      : `, the canary first, then ${maxParallel === 1 ? "one by one" : `at most ${maxParallel} at a time`}`;
  const basis = measured ? `${duration(each)} each, the median of this run` : `${duration(each)} each, assumed`;
  const count = turns.size === 1 ? "One node" : `${turns.size} nodes`;
  const ideal = `ideally ${duration(total)} (${basis}${at})`;
  return taken === undefined ? `${count} to roll: ${ideal}.` : `${count} took ${duration(taken)}; ${ideal}.`;
}

function rowOf({ name, bars, ideal }: Row, timeline: Timeline): Markup {
  return html`<div class="row">
    <div class="name">${name}</div>
    <div class="line">
      ${ideal === undefined ? "" : html`<span class="bar ideal" title="ideal turn" style="${place(ideal, timeline)}"></span>`}
      ${bars.map((bar) => html`<span class="bar ${kindOf(bar)}" title="${titleOf(bar)}" style="${place(bar, timeline)}"></span>`)}
    </div>
  </div>`;
}

const place = (span: { began: number; ended: number }, timeline: Timeline): string =>
  `left:${share(span.began - timeline.began, timeline)}%;width:${share(span.ended - span.began, timeline)}%`;

const share = (length: number, { began, ended }: Timeline): string => ((100 * length) / (ended - began)).toFixed(2);

const titleOf = ({ name, began, ended, end }: Bar): string =>
  `${name} ${clockTime(began)}, ${duration(ended - began)}${end === undefined ? "" : `, ${end === "failed" ? "failed" : "no end recorded"}`}`;

/** What has a colour of its own; all the rest has the builds' one. */
const coloured = ["look", "check", "cordon", "drain", "enrol", "load", "uncordon", "proof", "unload", "driver"];

const colourOf = (name: string): string => (coloured.includes(name) ? name : "other");

const kindOf = ({ name, end }: Bar): string => `${colourOf(name)} ${end ?? ""}`;

function legend({ rows }: Timeline): Markup {
  const used = new Map(rows.flatMap(({ bars }) => bars.map(({ name }) => [colourOf(name), name] as const)));
  const entries = [...used].map(([colour, name]) => [colour, colour === "other" ? "builds and others" : name] as const);
  const ends = rows.flatMap(({ bars }) => bars.flatMap(({ end }) => end ?? []));
  return html`<p class="legend">
    ${[
      ...entries.map(([colour, name]) => html`<span><i class="bar ${colour}"></i>${name}</span>`),
      ...(ends.includes("failed") ? [html`<span><i class="bar failed"></i>failed there</span>`] : []),
      ...(ends.includes("open") ? [html`<span><i class="bar open"></i>no end recorded</span>`] : []),
      ...(rows.some(({ ideal }) => ideal !== undefined)
        ? [html`<span><i class="bar ideal"></i>ideal turn</span>`]
        : []),
    ]}
  </p>`;
}
