/** Small pieces of the page. */
import { html, type Markup } from "./markup.ts";
import type { Outcome } from "./nodeReport.ts";
import type { Link } from "./report.ts";
import { outcomeWords } from "./words.ts";

type Cell = string | Markup;

/** A table of a kind that style.ts knows; without titles it has no head. */
export function table(kind: string, titles: readonly string[], rows: readonly (readonly Cell[])[]): Markup {
  const head = html`<thead>
    <tr>
      ${titles.map((title) => html`<th>${title}</th>`)}
    </tr>
  </thead>`;
  return html`<table class="${kind}">
    ${titles.length === 0 ? "" : head}
    <tbody>
      ${rows.map(
        (cells) =>
          html`<tr>
            ${cells.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

export const anchor = ({ text, href }: Link): Markup => html`<a href="${href}">${text}</a>`;

/** How something came out, in its colour. */
export const mark = (outcome: Outcome): Markup => html`<span class="mark ${outcome}">${outcomeWords[outcome]}</span>`;
