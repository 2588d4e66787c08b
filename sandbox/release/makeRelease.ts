import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync, zipSync } from "fflate";
import { pack } from "tar-stream";
import { sourceRpm } from "./rpm.ts";

/**
 * Makes the demonstration's release package: what AMD's `SF-122450-LS openonload-srpm release package` looks like, around
 * four tiny kernel modules of our own (source/). Its bytes depend on nothing but this folder and two pinned libraries, so
 * that its SHA-256 can stand in a stack's configuration; fflate packs the same on every machine, zlib doesn't.
 *
 *     node sandbox/release/makeRelease.ts DIRECTORY
 */

/** A release package on disk: what the configuration's object `release` takes. */
export interface MadeRelease {
  /** Path of the zip. */
  readonly package: string;
  /** SHA-256 of the zip, hexadecimal. */
  readonly sha256: string;
  readonly version: string;
}

/** 2025-01-01T00:00:00Z, in seconds, in every archive. */
const time = 1735689600;

/** The same moment for zip, whose times are local ones without a zone: fflate reads the Date's local fields. */
const zipTime = new Date(2025, 0, 1);

/**
 * Writes the release package into `directory`, which is made if need be, and replaces an older one at once.
 *
 * @param next another release's version, whose modules report it; default: the one that the source has
 */
export async function makeRelease(directory: string, next?: string): Promise<MadeRelease> {
  const version = next ?? (await sourceVersion());
  const bytes = zipSync(await packageFiles(version), { level: 9, mtime: zipTime });
  const path = join(directory, `onload-${version}-demo-srpm-release-package.zip`);
  await mkdir(directory, { recursive: true });
  const unfinished = `${path}.${process.pid}.tmp`;
  await writeFile(unfinished, bytes);
  await rename(unfinished, path);
  return { package: path, sha256: createHash("sha256").update(bytes).digest("hex"), version };
}

const folder = (name: string): string => join(import.meta.dirname, name);

/** The one file that the modules' build reads the release's version from too. */
const versionsFile = "versions.mk";
const versionLine = /^ONLOAD_VERSION := (\S+)$/m;

async function sourceVersion(): Promise<string> {
  const file = folder(`source/${versionsFile}`);
  const version = versionLine.exec(await readFile(file, "utf8"))?.[1];
  if (version === undefined) throw new Error(`${file}: no line "ONLOAD_VERSION := <version>"`);
  return version;
}

async function packageFiles(version: string): Promise<Record<string, Uint8Array>> {
  const text = async (name: string): Promise<Buffer> =>
    Buffer.from((await readFile(folder(`package/${name}`), "utf8")).replaceAll("@VERSION@", version));
  const specFile = "openonload.spec";
  const srpm = sourceRpm({
    name: "onload",
    version,
    release: "1",
    summary: "onload-kmm's demonstration in place of OpenOnload",
    description: "Four tiny kernel modules under the names of OpenOnload's. They drive no hardware.",
    license: "GPL-2.0-only OR Apache-2.0",
    time,
    specFile,
    files: [
      { name: `onload-${version}.tgz`, data: await tarball(version), mode: 0o644 },
      { name: specFile, data: await text(specFile), mode: 0o644 },
    ],
  });
  return {
    ChangeLog: await text("ChangeLog"),
    LICENSE: await text("LICENSE"),
    README: await text("README"),
    ReleaseNotes: await text("ReleaseNotes"),
    [`onload-${version}-1.src.rpm`]: srpm,
  };
}

/** source/ as a gzipped tar with one top directory, `onload-<version>`. */
async function tarball(version: string): Promise<Buffer> {
  const archive = pack();
  const whole = buffer(archive);
  for (const name of await filesIn(folder("source"))) {
    // Not the checkout's modes: these depend on the umask it was made under.
    const mode = name.startsWith("scripts/") ? 0o755 : 0o644;
    const text = await readFile(join(folder("source"), name));
    const data = name === versionsFile ? withVersion(text, version) : text;
    archive.entry({ name: `onload-${version}/${name}`, mode, mtime: new Date(time * 1000) }, data);
  }
  archive.finalize();
  return Buffer.from(gzipSync(await whole, { level: 9, mtime: 0 }));
}

const withVersion = (versions: Buffer, version: string): Buffer =>
  Buffer.from(versions.toString("utf8").replace(versionLine, `ONLOAD_VERSION := ${version}`));

/** Every file's path below `root`, sorted, with `/` between the parts. */
async function filesIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

if (import.meta.main) {
  const directory = process.argv[2];
  if (directory === undefined) throw new Error("usage: node sandbox/release/makeRelease.ts DIRECTORY");
  process.stdout.write(`${JSON.stringify(await makeRelease(directory))}\n`);
}
