/** Where a run may leave a secret behind, or show it while it goes on. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Found, Search } from "./search.ts";

/** `PLACE: SECRET (ENCODING)`. */
export type Leak = string;

const leak = (place: string, { secret, encoding }: Found): Leak => `${place}: ${secret} (${encoding})`;

/** Secrets in files below `directory`, except in those whose path matches. Sorted by path. */
export async function leaksInFiles(directory: string, search: Search, except: RegExp): Promise<Leak[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const leaks: Leak[] = [];
  for (const file of files.filter((each) => !except.test(each)).sort()) {
    // A file may go while we look.
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    leaks.push(...search.in(bytes).map((found) => leak(file, found)));
  }
  return leaks;
}

/** Secrets in what was printed or painted. */
export const leaksInText = (place: string, text: string, search: Search): Leak[] =>
  search.inPicture(text).map((found) => leak(place, found));

/** Pulumi passes a program its whole configuration in this variable, secrets decrypted (docs/secrets.md). */
const pulumisOwn = "PULUMI_CONFIG=";

/** Time between two looks at all processes, in milliseconds. */
const betweenLooks = 250;

/**
 * Arguments and environments of every process that may be looked at, again and again until `until` settles.
 * @param search asked anew at each look, since some secrets are made by the run
 */
export async function leaksInProcesses(search: () => Promise<Search>, until: Promise<unknown>): Promise<Leak[]> {
  const leaks = new Set<Leak>();
  const ended = until.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([ended, pause(betweenLooks)]))) {
    const known = await search();
    const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    const found = await Promise.all(processes.map((id) => leaksOf(id, known)));
    found.flat().forEach((each) => leaks.add(each));
  }
  return [...leaks];
}

const pause = (milliseconds: number): Promise<false> =>
  new Promise((resolve) => setTimeout(() => resolve(false), milliseconds));

/** Secrets in one process's arguments and environment, as far as this user may read them. */
async function leaksOf(process: string, search: Search): Promise<Leak[]> {
  const [line, environment] = await Promise.all(["cmdline", "environ"].map((part) => wordsOf(process, part)));
  const program = line?.join(" ").slice(0, 80) ?? "";
  const arguments_ = search.in(line?.join("\0") ?? "").map((found) => leak(`arguments of ${program}`, found));
  const variables = (environment ?? []).filter((word) => !word.startsWith(pulumisOwn));
  return [
    ...arguments_,
    ...variables.flatMap((word) =>
      search.in(word).map((found) => leak(`${word.slice(0, word.indexOf("="))} of ${program}`, found)),
    ),
  ];
}

async function wordsOf(process: string, part: string): Promise<string[]> {
  const all = await readFile(`/proc/${process}/${part}`, "latin1").catch(() => "");
  return all.split("\0").filter((word) => word !== "");
}
