import { parseArgs } from "node:util";
import { UserError } from "@onload-kmm/sandbox/userError";
import { verbs } from "./results.ts";
import { sizes } from "./sizes.ts";

/** What can be measured. `rollout` rolls out with enrolment, at several widths. */
export const parts = [...verbs, "start", "rollout"] as const;
export type Part = (typeof parts)[number];

export interface Options {
  /** Numbers of nodes, ascending. */
  readonly nodes: readonly number[];
  /** Rounds at the smallest size. */
  readonly rounds: number;
  readonly only: readonly Part[];
}

/** @throws UserError for what isn't understood */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args);
  const nodes = [...new Set(values.nodes.split(",").map((word) => wholeNumber("--nodes", word)))];
  return {
    nodes: nodes.sort((a, b) => a - b),
    rounds: wholeNumber("--rounds", values.rounds),
    only: values.only === undefined ? parts : values.only.split(",").map(part),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        nodes: { type: "string", default: sizes.join(",") },
        rounds: { type: "string", default: "5" },
        only: { type: "string" },
      },
    });
  } catch (error) {
    throw new UserError((error as Error).message);
  }
}

function wholeNumber(option: string, word: string): number {
  if (/^[1-9]\d{0,3}$/.test(word)) return Number(word);
  throw new UserError(`${option}: found "${word}", expected numbers from 1 to 9999, such as 10,100`);
}

function part(word: string): Part {
  const found = parts.find((each) => each === word);
  if (found === undefined) throw new UserError(`--only: found "${word}", expected some of ${parts.join(",")}`);
  return found;
}
