import { told, type Told } from "../errors.ts";
import { createHash } from "node:crypto";
import { posix } from "node:path";
import { listed, quoted } from "../text.ts";
import { readZip, ZipError, type ZipEntry } from "./zip.ts";

/** The configuration's object `release`. */
export interface ReleaseSettings {
  /** Path of AMD's release package (a zip) or of the `.src.rpm` in it. */
  readonly package: string;
  /** SHA-256 of that file, hexadecimal, lower case. */
  readonly sha256: string;
  /** The version in the `.src.rpm`'s name. */
  readonly version: string;
}

/** What the program uses of a release package. */
export interface Release {
  readonly version: string;
  /** `onload-<version>-1.src.rpm` */
  readonly srpmName: string;
  /** SHA-256 of the source RPM, hexadecimal. Two packages may hold the same one. */
  readonly srpmSha256: string;
  readonly srpm: Buffer;
}

/** The release, or all problems at once, each with key, value found, expectation and remedy. */
export type ReleaseResult =
  | { readonly release: Release; readonly problems: readonly [] }
  | { readonly release?: undefined; readonly problems: readonly Told[] };

/**
 * The version in a source RPM's name; undefined for a name of another shape. The name is the only sound source: AMD's
 * download folder and title lag behind it (folder 9_0_2_47 holds 9.0.2.140).
 */
export function srpmVersion(srpmName: string): string | undefined {
  return /^onload-(\d+(?:\.\d+)+)-\d+\.src\.rpm$/.exec(srpmName)?.[1];
}

/**
 * Checks a release package against the configuration and takes the source RPM out of it. Nothing is unpacked from bytes
 * whose checksum is wrong.
 *
 * @param bytes the whole file that `settings.package` names
 */
export async function readRelease(bytes: Uint8Array, settings: ReleaseSettings): Promise<ReleaseResult> {
  const found = sha256(bytes);
  const sumProblems =
    found === settings.sha256
      ? []
      : [
          told(
            "OKMM-RELEASE-CHECKSUM",
            `onload-kmm:release.sha256: found ${quoted(settings.sha256)}, expected ${quoted(found)}, the SHA-256 of ` +
              `${settings.package}; if this is the file that you downloaded and checked, set it with ` +
              `\`pulumi config set --path onload-kmm:release.sha256 ${found}\``,
          ),
        ];
  const source = await sourceIn(bytes, settings);
  if ("problem" in source) return { problems: [...sumProblems, source.problem] };
  const versionProblem = versionProblemOf(posix.basename(source.name), settings);
  const problems = [...sumProblems, ...(versionProblem === undefined ? [] : [versionProblem])];
  if (problems.length > 0) return { problems };
  return extracted(source, settings);
}

/**
 * What the configuration has to say of a release package, for one that doesn't say it yet: the checksum and version that the
 * package itself has.
 *
 * @param bytes the whole file behind `path`
 */
export async function identifyRelease(
  bytes: Uint8Array,
  path: string,
): Promise<{ readonly settings: ReleaseSettings } | { readonly problems: readonly Told[] }> {
  const unversioned = { package: path, sha256: sha256(bytes), version: "" };
  const source = await sourceIn(bytes, unversioned);
  if ("problem" in source) return { problems: [source.problem] };
  const settings = { ...unversioned, version: srpmVersion(posix.basename(source.name)) ?? "" };
  const { problems } = await readRelease(bytes, settings);
  return problems.length > 0 ? { problems } : { settings };
}

/** A source RPM that was found but not yet unpacked. */
interface Source {
  /** Its path in the zip, or its file name. */
  readonly name: string;
  readonly read: () => Promise<Uint8Array>;
}

type SourceResult = Source | { readonly problem: Told };

const sourceIn = async (bytes: Uint8Array, settings: ReleaseSettings): Promise<SourceResult> =>
  settings.package.endsWith(".zip") ? srpmInZip(bytes, settings) : srpmItself(bytes, settings);

function srpmItself(bytes: Uint8Array, settings: ReleaseSettings): SourceResult {
  return { name: posix.basename(settings.package), read: () => Promise.resolve(bytes) };
}

async function srpmInZip(bytes: Uint8Array, settings: ReleaseSettings): Promise<SourceResult> {
  const entries = await entriesOf(bytes);
  if (entries === undefined) return { problem: unreadable(bytes, settings, "a zip file") };
  if (typeof entries === "string") return { problem: packageProblem(settings, `a zip ${entries}`, amdsZip) };
  const srpms = entries.filter(({ name }) => name.endsWith(".src.rpm"));
  const [srpm] = srpms;
  if (srpm === undefined) {
    return {
      problem: packageProblem(
        settings,
        `a zip without a .src.rpm (it holds ${namesOf(entries) || "nothing"})`,
        "exactly one, as in AMD's SF-122450-LS; download that package, not another of the release's",
      ),
    };
  }
  if (srpms.length > 1) {
    return {
      problem: packageProblem(
        settings,
        `a zip with ${srpms.length} source RPMs (${namesOf(srpms)})`,
        "exactly one; set the path of the .src.rpm that you mean instead, and its SHA-256",
      ),
    };
  }
  return srpm;
}

const amdsZip = "AMD's zip as it is downloaded; download it again";

const namesOf = (entries: readonly ZipEntry[]): string => listed(entries.map(({ name }) => name));

/** A zip's entries, or what is wrong with it; undefined where the bytes aren't a zip. */
async function entriesOf(bytes: Uint8Array): Promise<ZipEntry[] | string | undefined> {
  try {
    return await readZip(bytes);
  } catch (error) {
    if (error instanceof ZipError) return error.message;
    throw error;
  }
}

function versionProblemOf(srpmName: string, settings: ReleaseSettings): Told | undefined {
  const version = srpmVersion(srpmName);
  if (version === undefined) {
    return packageProblem(settings, `the source RPM ${quoted(srpmName)}`, "a name like onload-9.0.2.140-1.src.rpm");
  }
  if (version === settings.version) return undefined;
  return told(
    "OKMM-RELEASE-VERSION",
    `onload-kmm:release.version: found ${quoted(settings.version)}, expected ${quoted(version)}, the version in ` +
      `${srpmName}; set it with \`pulumi config set --path onload-kmm:release.version ${version}\`, or name the package ` +
      "of the version that you want",
  );
}

async function extracted(source: Source, settings: ReleaseSettings): Promise<ReleaseResult> {
  let bytes: Uint8Array;
  try {
    bytes = await source.read();
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    return { problems: [packageProblem(settings, `a zip with ${quoted(source.name)} ${error.message}`, amdsZip)] };
  }
  if (!isSourceRpm(bytes))
    return { problems: [unreadable(bytes, settings, `a source RPM in ${listed([source.name])}`)] };
  const srpm = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const release = { version: settings.version, srpmName: posix.basename(source.name), srpmSha256: sha256(srpm), srpm };
  return { release, problems: [] };
}

/** The lead that begins every RPM file: magic number, format version, and type 1 for a source package. */
function isSourceRpm(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.length > 96 && view.readUInt32BE(0) === 0xedabeedb && view.readUInt16BE(6) === 1;
}

/** A download without an accepted licence is a web page under the right name; its first characters say so. */
function unreadable(bytes: Uint8Array, settings: ReleaseSettings, expected: string): Told {
  const start = Buffer.from(bytes.subarray(0, 24))
    .toString("latin1")
    .replaceAll(/[^\x20-\x7e]/g, ".");
  const found = bytes.length === 0 ? "an empty file" : `${bytes.length} bytes that begin with ${quoted(start)}`;
  return packageProblem(settings, found, `${expected}; download it again, with the licence accepted`);
}

const packageProblem = (settings: ReleaseSettings, found: string, expected: string): Told =>
  told("OKMM-RELEASE-PACKAGE", `onload-kmm:release.package: ${settings.package}: found ${found}, expected ${expected}`);

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
