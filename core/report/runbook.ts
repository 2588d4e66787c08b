/** The way on after an error, taken from docs/runbook.md. */
import type { ErrorId } from "../errors.ts";

/** A paragraph of the runbook, as Markdown in one line each. */
export interface WayOn {
  readonly means: string | undefined;
  readonly do: string | undefined;
}

/** @param text of docs/runbook.md */
export function wayOn(text: string, id: ErrorId): WayOn {
  const section = text.split(/^### /m).find((part) => part.startsWith(`${id}\n`)) ?? "";
  const point = (title: string) =>
    new RegExp(`^- \\*\\*${title}\\*\\*: ((?:.|\\n(?! ?\\n|- ))+)`, "m")
      .exec(section)?.[1]
      ?.replaceAll(/\s+/g, " ")
      .trim();
  return { means: point("It means"), do: point("Do") };
}
