/**
 * The text with `content` between two lines that hold `begin NAME` and `end NAME` in comments.
 *
 * @throws Error when the text doesn't have each of the two marks once, in that order
 */
export function between(text: string, name: string, content: string): string {
  const lines = text.split("\n");
  const at = (mark: string): number => {
    const found = lines.flatMap((line, index) => (isMark(line, `${mark} ${name}`) ? [index] : []));
    const [index] = found;
    if (index === undefined || found.length > 1) {
      throw new Error(`expected one comment "${mark} ${name}", found ${found.length}`);
    }
    return index;
  };
  const [begin, end] = [at("begin"), at("end")];
  if (end < begin) throw new Error(`expected the comment "end ${name}" after "begin ${name}"`);
  return [...lines.slice(0, begin + 1), content, ...lines.slice(end)].join("\n");
}

/** `<!-- begin NAME: … -->` in Markdown, `# begin NAME: …` in YAML. */
function isMark(line: string, mark: string): boolean {
  const [, words] = /^\s*(?:<!--|#) (.*?)(?: -->)?$/.exec(line) ?? [];
  return words === mark || words?.startsWith(`${mark}:`) === true;
}
