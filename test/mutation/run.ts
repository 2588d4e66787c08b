/**
 * `npm run test:mutation [-- FILE…]`: how good the unit tests are. Stryker changes the code bit by bit, each time runs the
 * test files that reach that place, and tells which changes nobody noticed. Its listing of each file that was asked goes
 * into docs/mutation.md. Without files: core/ and the work on a node, which takes hours.
 */
import { readFile, writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { Stryker } from "@stryker-mutator/core";
import { format, resolveConfig } from "prettier";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { listing, merged, type Mutant } from "./listing.ts";

const document = resolve(projectRoot, "docs/mutation.md");

/** Names and numbers: a test that compares them with a second copy of themselves shows nothing. */
const tables = ["!core/names.ts", "!core/patience.ts"];

const everything = {
  mutate: ["core/**/*.ts", "steps/node/**/*.ts"],
  testFiles: ["test/core/**/*.test.ts", "test/steps/node/**/*.test.ts"],
};

/** A few files are held against the tests of their own folder: a person waits for that. */
const only = (files: readonly string[]) => ({
  mutate: files,
  testFiles: [...new Set(files.map((file) => `test/${dirname(file)}/*.test.ts`))],
});

async function run(files: readonly string[]): Promise<Mutant[]> {
  const { mutate, testFiles } = files.length > 0 ? only(files) : everything;
  const stryker = new Stryker({
    mutate: [...mutate, ...tables],
    testRunner: "tap",
    tap: {
      testFiles,
      nodeArgs: ["--test-reporter=tap", "-r", "{{hookFile}}", "{{testFile}}"],
    },
    coverageAnalysis: "perTest",
    // Most are words of messages, of which tests look at what matters.
    mutator: { excludedMutations: ["StringLiteral"] },
    // On a busy machine a test that is only slow must not count as one that noticed.
    timeoutMS: 20_000,
    dryRunTimeoutMinutes: 30,
    concurrency: 2,
    incremental: true,
    incrementalFile: ".stryker/incremental.json",
    tempDirName: ".stryker/tmp",
    ignorePatterns: [".sandbox", ".stryker", ".test-results"],
    reporters: ["progress-append-only"],
  });
  const mutants = await stryker.runMutationTest();
  return mutants.map((mutant) => ({
    ...mutant,
    fileName: relative(projectRoot, resolve(projectRoot, mutant.fileName)),
  }));
}

async function listingOf(fileName: string, mutants: readonly Mutant[]): Promise<string> {
  const own = mutants.filter((mutant) => mutant.fileName === fileName);
  return listing(fileName, await readFile(resolve(projectRoot, fileName), "utf8"), own);
}

const mutants = await run(process.argv.slice(2));
const fileNames = [...new Set(mutants.map(({ fileName }) => fileName))].sort();
const listings = await Promise.all(fileNames.map((fileName) => listingOf(fileName, mutants)));
const text = merged(await readFile(document, "utf8"), listings);
await writeFile(document, await format(text, { ...(await resolveConfig(document)), filepath: document }));
process.stdout.write(`\n${listings.join("\n\n")}\n`);
