import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { brokenLinks } from "../../../scripts/documents/links.ts";

/** A folder with these files. */
async function folderOf(files: Readonly<Record<string, string>>, context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "onload-kmm-links-"));
  context.after(() => rm(folder, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

test("links to pages, folders, headings and the world outside are right", async (t) => {
  const files = {
    "README.md":
      "# A\n[b](docs/b.md), [its part](docs/b.md#when-it-leaves-the-stack), [own](#a), [folder](docs), [web](https://example.com/x#y)",
    "docs/b.md": "## When it `leaves` the [stack](../README.md)\n```\n[no link](nowhere.md)\n```\n[up](../README.md#a)",
    "node_modules/x/README.md": "[of others](nowhere.md)",
  };
  assert.deepEqual(await brokenLinks(await folderOf(files, t)), []);
});

test("a link to a page or a heading that isn't there is told with both", async (t) => {
  const files = {
    "README.md": "# A\n[b](docs/none.md)\n| c |\n|---|\n| [d](docs/b.md#nothing) |",
    "docs/b.md": "[e](#f)",
  };
  assert.deepEqual(await brokenLinks(await folderOf(files, t)), [
    "README.md: links to docs/b.md#nothing, and docs/b.md has no such heading",
    "README.md: links to docs/none.md, and there is no docs/none.md",
    "docs/b.md: links to #f, and docs/b.md has no such heading",
  ]);
});

test("a page in docs/ that the README doesn't link to is told; one beside it, or deeper, isn't", async (t) => {
  const files = {
    "README.md": "[b](docs/b.md#part)",
    "docs/b.md": "# Part\n[c](c.md)",
    "docs/c.md": "",
    "docs/adr/1.md": "",
    "OTHER.md": "",
  };
  assert.deepEqual(await brokenLinks(await folderOf(files, t)), ["docs/c.md: README.md has no link to it"]);
});

test("of two headings that are the same the second is told apart as GitHub does it", async (t) => {
  const files = { "a.md": "# Same\n# Same\n[1](#same) [2](#same-1) [3](#same-2)" };
  assert.deepEqual(await brokenLinks(await folderOf(files, t)), [
    "a.md: links to #same-2, and a.md has no such heading",
  ]);
});
