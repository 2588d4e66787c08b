/** What the program and a step agree on: one contract for each program in `steps/`, imported by both sides. */
import type { z } from "zod";
import { cleanText, excerpt } from "../text.ts";

/** The part that tells what a step says when it is done. */
export interface Answering<Answer> {
  /** The program's file in `steps/`, without its ending. */
  readonly program: string;
  /** What it answers: small, for it stands in state. */
  readonly answer: z.ZodType<Answer, Answer>;
  /** Whether a change tells it what it answered last: for short answers only. */
  readonly remembers?: boolean;
}

/** One step's terms. Its program runs as soon as it is imported, so they stand in a file of their own. */
export interface Contract<Input, Answer> extends Answering<Answer> {
  /**
   * What the step is given. A member that the state of an older version may lack is optional: a deletion runs with what
   * was stored last.
   */
  readonly input: z.ZodType<Input, Input>;
  /**
   * Members of the input that go through stdin, where nobody sees them. All others go through the environment, where
   * `preview --diff` shows each, old and new.
   */
  readonly secrets?: readonly (keyof Input & string)[];
  /** Whether a run may begin with it: a `destroy` has no program that would. Its input names the stack. */
  readonly beginsRun?: boolean;
}

/** A step's input, as its program gets it. */
export type InputOf<Terms extends { readonly input: z.ZodType }> = z.infer<Terms["input"]>;

/** What a step answers. */
export type AnswerOf<Terms extends { readonly answer: z.ZodType }> = z.infer<Terms["answer"]>;

/** Takes the terms as they are, and infers the types of input and answer. */
export const contract = <Input, Answer>(terms: Contract<Input, Answer>): Contract<Input, Answer> => terms;

/** Characters of what doesn't fit. */
const longestWords = 2000;

/** A step and the program don't speak of the same thing: a fault of this project, or a state of another version. */
class ContractError extends Error {}

/**
 * The answer that a step printed. It is checked and handed on as it is: what these terms don't know, in the state of
 * another version, stays.
 *
 * @throws ContractError when it is no answer of that step
 */
export function readAnswer<Answer>(terms: Answering<Answer>, printed: string): Answer {
  return checkAnswer(terms, parsed(terms.program, printed));
}

/** As {@link readAnswer}, of one that isn't printed yet. */
export function checkAnswer<Answer>({ program, answer }: Answering<Answer>, value: unknown): Answer {
  const { error } = answer.safeParse(value);
  if (error === undefined) return value as Answer;
  // An issue names the place and the type that was expected. It never holds the value, which may be a secret.
  const misfits = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new ContractError(
    `the answer of the step ${program} doesn't fit its contract: ${excerpt(cleanText(misfits.join("; ")), longestWords)}`,
  );
}

function parsed(program: string, printed: string): unknown {
  try {
    return JSON.parse(printed);
  } catch {
    // JSON.parse quotes what it can't read.
    throw new ContractError(`the answer of the step ${program} is no JSON`);
  }
}
