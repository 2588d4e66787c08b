import { createHash } from "node:crypto";
import { gzipSync } from "fflate";
import { cpio, type ArchiveFile } from "./cpio.ts";

/**
 * Writes source RPMs, format version 3 as rpm 4 reads it (rpm.org, "RPM V4 Package format": Lead, Signature, Header,
 * Payload), unsigned. Own code, because neither npm nor Go has a library that writes *source* packages without rpmbuild:
 * google/rpmpack marks every package as a binary one.
 */

/** What a source package says about itself. */
export interface SourcePackage {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly summary: string;
  readonly description: string;
  readonly license: string;
  /** Seconds since 1970: the package's build time and the time of its files. */
  readonly time: number;
  /** The spec file among `files`. */
  readonly specFile: string;
  readonly files: readonly ArchiveFile[];
}

/** The bytes of `<name>-<version>-<release>.src.rpm`; the same for the same package. */
export function sourceRpm(source: SourcePackage): Buffer {
  const files = source.files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const archive = cpio(files, source.time);
  const payload = Buffer.from(gzipSync(archive, { level: 9, mtime: 0 }));
  const header = headerSection(tag.headerImmutable, packageEntries({ ...source, files }, payload));
  const signature = headerSection(tag.headerSignatures, signatureEntries(header, payload, archive.length));
  return Buffer.concat([lead(source), padded(signature, 8), header, payload]);
}

/** Tag numbers (rpm's include/rpm/rpmtag.h). From 1000 on, a number means one thing in the signature, another in the header. */
const tag = {
  headerSignatures: 62,
  headerImmutable: 63,
  i18nTable: 100,
  sha1: 269,
  sha256: 273,
  signatureSize: 1000,
  signatureMd5: 1004,
  signaturePayloadSize: 1007,
  name: 1000,
  version: 1001,
  release: 1002,
  summary: 1004,
  description: 1005,
  buildTime: 1006,
  buildHost: 1007,
  size: 1009,
  license: 1014,
  group: 1016,
  source: 1018,
  os: 1021,
  arch: 1022,
  fileSizes: 1028,
  fileModes: 1030,
  fileRdevs: 1033,
  fileTimes: 1034,
  fileDigests: 1035,
  fileLinkTos: 1036,
  fileFlags: 1037,
  fileUsers: 1039,
  fileGroups: 1040,
  fileVerifyFlags: 1045,
  requireFlags: 1048,
  requireName: 1049,
  requireVersion: 1050,
  rpmVersion: 1064,
  fileDevices: 1095,
  fileInodes: 1096,
  fileLanguages: 1097,
  sourcePackage: 1106,
  directoryIndexes: 1116,
  baseNames: 1117,
  directoryNames: 1118,
  payloadFormat: 1124,
  payloadCompressor: 1125,
  payloadFlags: 1126,
  fileDigestAlgorithm: 5011,
  encoding: 5062,
  payloadDigest: 5092,
  payloadDigestAlgorithm: 5093,
} as const;

const type = { int16: 3, int32: 4, string: 6, binary: 7, stringArray: 8, i18nString: 9 } as const;
const alignment: Readonly<Record<number, number>> = { [type.int16]: 2, [type.int32]: 4 };

/** RPMFILE_SPECFILE: `rpm -i` puts this file with the specs and not with the sources. */
const specFileFlag = 1 << 5;
/** RPMSENSE_RPMLIB | RPMSENSE_LESS | RPMSENSE_EQUAL: a feature that the reading rpm must have. */
const rpmlibFlags = (1 << 24) | (1 << 1) | (1 << 3);
const sha256Algorithm = 8;

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly data: Buffer;
}

const string = (number: number, value: string, kind: number = type.string): Entry => ({
  tag: number,
  type: kind,
  count: 1,
  data: Buffer.from(`${value}\0`),
});

const strings = (number: number, values: readonly string[]): Entry => ({
  tag: number,
  type: type.stringArray,
  count: values.length,
  data: Buffer.from(values.map((value) => `${value}\0`).join("")),
});

const int32s = (number: number, ...values: readonly number[]): Entry => {
  const data = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => data.writeUInt32BE(value, 4 * index));
  return { tag: number, type: type.int32, count: values.length, data };
};

const int16s = (number: number, values: readonly number[]): Entry => {
  const data = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => data.writeUInt16BE(value, 2 * index));
  return { tag: number, type: type.int16, count: values.length, data };
};

const binary = (number: number, data: Buffer): Entry => ({ tag: number, type: type.binary, count: data.length, data });

function packageEntries(source: SourcePackage, payload: Buffer): Entry[] {
  const total = source.files.reduce((sum, { data }) => sum + data.length, 0);
  return [
    strings(tag.i18nTable, ["C"]),
    string(tag.name, source.name),
    string(tag.version, source.version),
    string(tag.release, source.release),
    string(tag.summary, source.summary, type.i18nString),
    string(tag.description, source.description, type.i18nString),
    int32s(tag.buildTime, source.time),
    string(tag.buildHost, "localhost"),
    int32s(tag.size, total),
    string(tag.license, source.license),
    string(tag.group, "Unspecified", type.i18nString),
    strings(
      tag.source,
      source.files.map(({ name }) => name).filter((name) => name !== source.specFile),
    ),
    string(tag.os, "linux"),
    // The architecture of the machine that made it; the modules it is the source of are built for the node's.
    string(tag.arch, "x86_64"),
    ...fileEntries(source),
    int32s(tag.requireFlags, rpmlibFlags, rpmlibFlags),
    strings(tag.requireName, ["rpmlib(CompressedFileNames)", "rpmlib(FileDigests)"]),
    strings(tag.requireVersion, ["3.0.4-1", "4.6.0-1"]),
    string(tag.rpmVersion, "4.16.1"),
    int32s(tag.sourcePackage, 1),
    string(tag.payloadFormat, "cpio"),
    string(tag.payloadCompressor, "gzip"),
    string(tag.payloadFlags, "9"),
    string(tag.encoding, "utf-8"),
    strings(tag.payloadDigest, [digest("sha256", payload)]),
    int32s(tag.payloadDigestAlgorithm, sha256Algorithm),
  ];
}

function fileEntries({ files, specFile, time }: SourcePackage): Entry[] {
  const each = (value: number): number[] => files.map(() => value);
  const same = (value: string): string[] => files.map(() => value);
  return [
    int32s(tag.fileSizes, ...files.map(({ data }) => data.length)),
    int16s(
      tag.fileModes,
      files.map(({ mode }) => 0o100000 | mode),
    ),
    int16s(tag.fileRdevs, each(0)),
    int32s(tag.fileTimes, ...each(time)),
    strings(
      tag.fileDigests,
      files.map(({ data }) => digest("sha256", data)),
    ),
    strings(tag.fileLinkTos, same("")),
    int32s(tag.fileFlags, ...files.map(({ name }) => (name === specFile ? specFileFlag : 0))),
    strings(tag.fileUsers, same("root")),
    strings(tag.fileGroups, same("root")),
    int32s(tag.fileVerifyFlags, ...each(0xffffffff)),
    int32s(tag.fileDevices, ...each(1)),
    int32s(tag.fileInodes, ...files.map((_file, index) => index + 1)),
    strings(tag.fileLanguages, same("")),
    // A source package's files have no directory: where they go is the reader's setting.
    int32s(tag.directoryIndexes, ...each(0)),
    strings(
      tag.baseNames,
      files.map(({ name }) => name),
    ),
    strings(tag.directoryNames, [""]),
    int32s(tag.fileDigestAlgorithm, sha256Algorithm),
  ];
}

function signatureEntries(header: Buffer, payload: Buffer, archiveLength: number): Entry[] {
  const both = Buffer.concat([header, payload]);
  return [
    string(tag.sha1, digest("sha1", header)),
    string(tag.sha256, digest("sha256", header)),
    int32s(tag.signatureSize, both.length),
    binary(tag.signatureMd5, createHash("md5").update(both).digest()),
    int32s(tag.signaturePayloadSize, archiveLength),
  ];
}

/** The 96 bytes that `file` and rpm know a package by; everything else in it is obsolete. */
function lead({ name, version, release }: SourcePackage): Buffer {
  const bytes = Buffer.alloc(96);
  bytes.writeUInt32BE(0xedabeedb, 0);
  bytes.writeUInt8(3, 4);
  bytes.writeUInt16BE(1, 6); // a source package
  bytes.writeUInt16BE(1, 8); // x86
  bytes.write(`${name}-${version}-${release}`.slice(0, 65), 10);
  bytes.writeUInt16BE(1, 76); // Linux
  bytes.writeUInt16BE(5, 78); // the signature is a header
  return bytes;
}

/**
 * One header structure: intro, index of 16-byte entries sorted by tag, data. Its first entry is the region: all that
 * digests cover, ended by a trailer that points back over the index.
 */
function headerSection(regionTag: number, unsorted: readonly Entry[]): Buffer {
  const entries = unsorted.toSorted((a, b) => a.tag - b.tag);
  const index: Buffer[] = [];
  let data: Buffer = Buffer.alloc(0);
  for (const entry of entries) {
    data = padded(data, alignment[entry.type] ?? 1);
    index.push(indexEntry(entry, data.length));
    data = Buffer.concat([data, entry.data]);
  }
  const region = { tag: regionTag, type: type.binary, count: 16 };
  const indexLength = 16 * (entries.length + 1);
  const whole = Buffer.concat([data, indexEntry(region, -indexLength)]);
  const intro = Buffer.alloc(16);
  intro.writeUInt32BE(0x8eade801, 0);
  intro.writeUInt32BE(entries.length + 1, 8);
  intro.writeUInt32BE(whole.length, 12);
  return Buffer.concat([intro, indexEntry(region, data.length), ...index, whole]);
}

function indexEntry(entry: Omit<Entry, "data">, offset: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(entry.tag, 0);
  bytes.writeUInt32BE(entry.type, 4);
  bytes.writeInt32BE(offset, 8);
  bytes.writeUInt32BE(entry.count, 12);
  return bytes;
}

const padded = (bytes: Buffer, to: number): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & (to - 1))]);

const digest = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest("hex");
