import { BuildFailure } from "./failure.ts";

/** Values of ARG and ENV. */
export type Variables = Readonly<Record<string, string>>;

const REFERENCE = /\\(.)|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g;

/**
 * Replaces `$V`, `${V}`, `${V:-word}` and `${V:+word}`; an unset variable becomes empty, `\$` a dollar sign. These are
 * the forms that the Dockerfile reference knows.
 */
export function expand(text: string, variables: Variables): string {
  return text.replace(REFERENCE, (...match: (string | undefined)[]) => {
    const [, escaped, bare, braced, operator, word = ""] = match;
    if (escaped !== undefined) return escaped === "$" ? "$" : `\\${escaped}`;
    const value = variables[bare ?? braced ?? ""] ?? "";
    if (operator === "-") return value === "" ? expand(word, variables) : value;
    if (operator === "+") return value === "" ? "" : expand(word, variables);
    return value;
  });
}

const TOKEN = /\s+|'([^']*)'|"((?:\\.|[^"\\])*)"|([^\s'"|&;<>`()]+)|(&&|.)/gs;

/**
 * Splits a RUN line as `/bin/sh` would into simple commands joined by `&&`, each a list of words with quotes and
 * variables resolved. Anything else that a shell knows (pipes, redirections, substitutions) is refused by name.
 */
export function shellCommands(line: string, variables: Variables): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  const flush = (): void => {
    if (word !== undefined) commands.at(-1)?.push(word);
    word = undefined;
  };
  for (const [token, single, double, bare, operator] of line.replace(/\\\n/g, " ").matchAll(TOKEN)) {
    if (single !== undefined) word = (word ?? "") + single;
    else if (double !== undefined) word = (word ?? "") + expand(checked(double), variables);
    else if (bare !== undefined) word = joined(word, expand(checked(bare), variables));
    else if (operator === undefined) flush();
    else if (token === "&&") {
      flush();
      commands.push([]);
    } else throw unknown(token, line);
  }
  flush();
  return commands.filter((words) => words.length > 0);
}

/** An unquoted variable that is empty makes no word, a quoted one an empty word. */
const joined = (word: string | undefined, text: string): string | undefined =>
  word === undefined && text === "" ? undefined : (word ?? "") + text;

function checked(text: string): string {
  const substitution = /\$\(|`/.exec(text);
  if (substitution !== null) throw unknown(substitution[0], text);
  return text;
}

function unknown(token: string, line: string): BuildFailure {
  return new BuildFailure(
    "DockerBuildFailed",
    `the builder of this sandbox doesn't know the shell's "${token}" in: ${line}`,
  );
}
