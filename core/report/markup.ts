/** HTML in which only this project's own text can be markup: every value that is put in is escaped. */

/** Text that is markup already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Markup | readonly (string | Markup)[];

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Safe between tags and in quoted attributes. What no page may hold (HTML, "Text") is replaced. */
export const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[[\p{Cc}\p{Noncharacter_Code_Point}]--[\t\n]]/gv, "\u{FFFD}")
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");

/** A template whose values are escaped, unless they are markup. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(shown)));
}

function shown(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === "string" || typeof value === "number") return escaped(String(value));
  return value.map(shown).join("");
}
