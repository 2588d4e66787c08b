import { access, glob, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import GithubSlugger from "github-slugger";
import { lexer, walkTokens } from "marked";

/** What a page links to, and the anchors that its headings make. */
interface Page {
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
}

/**
 * Links between the project's pages, and to its files, that lead nowhere, and pages in docs/ that nobody finds, because the
 * README doesn't link to them: one line each.
 */
export async function brokenLinks(root: string): Promise<string[]> {
  const pages = new Map<string, Page>();
  for await (const file of glob("**/*.md", { cwd: root, exclude: isForeign })) {
    pages.set(file, pageOf(await readFile(join(root, file), "utf8")));
  }
  const found = [...pages].flatMap(([file, { links }]) => links.map((link) => problemOf(link, { file, root, pages })));
  const broken = (await Promise.all(found)).filter((problem) => problem !== undefined);
  return [...broken, ...unlinked(pages)].sort();
}

function unlinked(pages: ReadonlyMap<string, Page>): string[] {
  const linked = pages.get("README.md")?.links.map((link) => link.split("#")[0]);
  return [...pages.keys()]
    .filter((file) => dirname(file) === "docs" && linked?.includes(file) === false)
    .map((file) => `${file}: README.md has no link to it`);
}

const isForeign = (name: string): boolean => ["node_modules", ".sandbox", ".test-results"].includes(name);

/** Reads a page as GitHub shows it. */
function pageOf(text: string): Page {
  const [links, anchors, slugger] = [[] as string[], new Set<string>(), new GithubSlugger()];
  void walkTokens(lexer(text), (token) => {
    if (token.type === "link" || token.type === "image") links.push((token as { href: string }).href);
    if (token.type === "heading") anchors.add(slugger.slug(plain((token as { text: string }).text)));
  });
  return { links, anchors };
}

/** A heading's words without the marks of code, emphasis and links. */
const plain = (heading: string): string => heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "");

interface Place {
  readonly file: string;
  readonly root: string;
  readonly pages: ReadonlyMap<string, Page>;
}

async function problemOf(link: string, { file, root, pages }: Place): Promise<string | undefined> {
  if (/^[a-z]+:/i.test(link)) return undefined;
  const [path = "", anchor] = decodeURI(link).split("#");
  const target = path === "" ? file : relative(root, join(root, dirname(file), path));
  const isThere = await access(join(root, target)).then(
    () => true,
    () => false,
  );
  if (!isThere) return `${file}: links to ${link}, and there is no ${target}`;
  if (anchor === undefined || pages.get(target)?.anchors.has(anchor) !== false) return undefined;
  return `${file}: links to ${link}, and ${target} has no such heading`;
}
