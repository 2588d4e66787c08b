import { cleanText, excerpt, shownValue } from "../text.ts";
import { told, type Told } from "../errors.ts";
import { documentIn } from "./stackFile.ts";

/** Reads a file that the configuration names, as UTF-8; a path as the configuration has it. Throws as `readFileSync` does. */
export type ReadText = (path: string) => string;

/**
 * Longest list, in bytes, that stays in the stack's file: about 550 nodes. Pulumi's language host gives a program its whole
 * configuration in one environment variable, and Linux takes 128 KiB in one (execve(2), MAX_ARG_STRLEN); a program with more
 * isn't even started.
 */
export const longestInline = 100 * 1024;

/** The list of nodes, or why there is none. */
type Listed = { readonly nodes: unknown } | { readonly problem: Told };

const expected = "the path of a YAML file with the list of nodes: [{name, address, hostKey}, …]";

/**
 * The list of nodes where `nodesFile` names its file.
 *
 * @param values of the configuration, decoded; of those `nodesFile` is there
 */
export function nodesFromFile(values: Readonly<Record<string, unknown>>, readText: ReadText): Listed {
  const { nodes, nodesFile } = values;
  const found = (why: string) => ({
    problem: told(
      "OKMM-CONFIG-VALUE",
      `onload-kmm:nodesFile: found ${shownValue(nodesFile)}${why}, expected ${expected}`,
    ),
  });
  if (!isEmpty(nodes)) return found(" beside onload-kmm:nodes, which is to be removed with `pulumi config rm`");
  if (typeof nodesFile !== "string" || nodesFile === "") return found("");
  try {
    const list: unknown = documentIn(readText(nodesFile)).toJS();
    return Array.isArray(list) ? { nodes: list } : found(", which holds no list");
  } catch (error) {
    return found(`: ${whyUnread(error)}`);
  }
}

/** Pulumi.yaml gives every stack an empty list. */
const isEmpty = (nodes: unknown): boolean =>
  nodes === undefined || nodes === null || (Array.isArray(nodes) && nodes.length === 0);

/** Characters of a parser's own words. */
const longestReason = 200;

function whyUnread(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const known = { ENOENT: "no such file", EACCES: "no permission to read it", EISDIR: "a directory" }[code];
  if (known !== undefined) return known;
  // The lines after the first quote the file, which may be somebody's key.
  return code === "" ? `no YAML: ${excerpt(cleanText(message.split("\n")[0] ?? ""), longestReason)}` : code;
}
