/** The table of readers is whole: in the product, in the tests and on its page. */
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { page, withTable } from "./document.ts";
import { readers } from "./readers.ts";

const root = join(import.meta.dirname, "../..");
const textOf = (file: string) => readFile(join(root, file), "utf8");

/** How bytes, texts and JSON from outside are taken in. */
const reading =
  /JSON\.parse\(|new X509Certificate\(|createPrivateKey\(|parseKey\(|parseDocument\(|readFile\(|\.on\("data"|limitedText\(|inflateRawSync\(|new Client\(|unzipSync\(|process\.stdin/;

/** Files that read, and in which nobody else has a say, each with why. */
const own: Readonly<Record<string, string>> = {
  "scripts/documents.ts": "this repository's documents",
  "scripts/documents/dependencyReasons.ts": "this repository's manifests",
  "scripts/documents/example.ts": "this repository's example",
  "scripts/documents/links.ts": "this repository's documents",
  "scripts/sbom.ts": "what npm prints of this repository's lock file",
  "scripts/status.ts": "the certificate in the stack's own outputs",
  "scripts/stack.ts": "what the Pulumi CLI prints; an error quotes nothing of it",
  "steps/uploadSrpm.ts": "this repository's assets",
  "steps/build/builds.ts": "a build's log, copied to a file and quoted through StepError",
  "steps/build/sourceBuild.ts": "an object, read by kubeJson.ts",
};

test("whoever reads what comes from outside is in the table", async () => {
  const sources = globSync(["*.ts", "{components,core,scripts,steps}/**/*.ts"], { cwd: root });
  const texts = await Promise.all(sources.map(async (file) => [file, await textOf(file)] as const));
  const found = texts.filter(([, text]) => reading.test(text)).map(([file]) => file);
  const listed = new Set([...Object.values(readers).flatMap(({ files }) => files), ...Object.keys(own)]);
  assert.ok(found.length > 25);
  assert.deepEqual(
    found.filter((file) => !listed.has(file)),
    [],
    "add a row to test/hostile/readers.ts, with a test",
  );
});

test("each row names files that are there and a test that tries it, and each try has its row", async () => {
  const tests = globSync("test/hostile/*.test.ts", { cwd: root });
  const tried: string[] = [];
  for (const file of tests) {
    for (const [, name = ""] of (await textOf(file)).matchAll(/^hostile\(\s*"([^"]+)"/gm)) {
      tried.push(name);
      assert.equal(readers[name as keyof typeof readers].test, file.slice("test/hostile/".length), name);
    }
  }
  assert.deepEqual(tried.sort(), Object.keys(readers).sort());
  for (const { files } of Object.values(readers)) for (const file of files) await textOf(file);
});

test("there are ten thousand inputs at least", () => {
  const runs = Object.values(readers).map((reader) => reader.runs);
  assert.ok(runs.reduce((sum, each) => sum + each, 0) >= 10_000);
});

test("the page has the table as it is: `node test/hostile/document.ts` writes it", async () => {
  const text = await readFile(page, "utf8");
  assert.equal(text, await withTable(text));
});
