/**
 * One file out of a zip that nobody vouches for (PKWARE, APPNOTE 6.3). Its own reader, of what a release package needs: fflate,
 * by which the sandbox writes zips, believes a directory's sizes, allocates by them, compares no checksum, and takes one of
 * two directories.
 */
import { crc32, inflateRawSync } from "node:zlib";

/** Not one sound zip: what it is instead, to follow "a zip". */
export class ZipError extends Error {}

export interface ZipEntry {
  readonly name: string;
  /** @throws ZipError when its bytes aren't what the directory says */
  readonly read: () => Uint8Array;
}

const endMark = Buffer.from("PK\x05\x06", "latin1");
const endLength = 22;
const entryMark = 0x02014b50;
const entryLength = 46;
const localMark = 0x04034b50;
const localLength = 30;

/** Bytes that one file may have: dozens of times what a source RPM has, and less than a bastion's memory. */
const largestFile = 256 * 1024 * 1024;

/**
 * The entries of a zip's directory, nothing unpacked; undefined where the bytes have no such directory.
 *
 * @throws ZipError for more than one directory, or one that doesn't fit
 */
export function readZip(bytes: Uint8Array): ZipEntry[] | undefined {
  const zip = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends = endsOf(zip);
  const [end] = ends;
  if (end === undefined) return undefined;
  if (ends.length > 1) throw new ZipError("with more than one directory");
  return entriesIn(zip.subarray(0, end), zip.readUInt32LE(end + 16), zip.readUInt16LE(end + 10));
}

/**
 * Where directories end: right before, each says itself. A zip has one; two are two answers to what is in it, and which is
 * taken depends on the program. What follows the end is a comment, or a download that went on: its checksum tells.
 */
function endsOf(zip: Buffer): number[] {
  const ends: number[] = [];
  for (let at = zip.indexOf(endMark); at >= 0; at = zip.indexOf(endMark, at + 1)) {
    if (at + endLength <= zip.length && zip.readUInt32LE(at + 16) + zip.readUInt32LE(at + 12) === at) ends.push(at);
  }
  return ends;
}

/** @param zip up to the end of the directory, which begins at `start` */
function entriesIn(zip: Buffer, start: number, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = start;
  while (at < zip.length) {
    if (at + entryLength > zip.length || zip.readUInt32LE(at) !== entryMark)
      throw new ZipError("whose directory is broken");
    const [name, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const next = at + entryLength + name + extra + comment;
    if (next > zip.length) throw new ZipError("whose directory is broken");
    entries.push(entryAt(zip, at, start));
    at = next;
  }
  if (entries.length !== count) throw new ZipError(`whose directory says ${count} files and has ${entries.length}`);
  return entries;
}

function entryAt(zip: Buffer, at: number, dataEnd: number): ZipEntry {
  const nameBytes = zip.subarray(at + entryLength, at + entryLength + zip.readUInt16LE(at + 28));
  const entry = {
    name: nameBytes.toString("utf8"),
    isLink: zip.readUInt32LE(at + 38) >>> 28 === 0o12,
    isEncrypted: (zip.readUInt16LE(at + 8) & 1) === 1,
    method: zip.readUInt16LE(at + 10),
    sum: zip.readUInt32LE(at + 16),
    packed: zip.readUInt32LE(at + 20),
    size: zip.readUInt32LE(at + 24),
    local: zip.readUInt32LE(at + 42),
  };
  return { name: entry.name, read: () => checked(unpacked(zip.subarray(0, dataEnd), entry, nameBytes), entry) };
}

interface Entry {
  readonly isLink: boolean;
  readonly isEncrypted: boolean;
  readonly method: number;
  /** CRC-32 of the file. */
  readonly sum: number;
  /** Bytes in the zip, and of the file. */
  readonly packed: number;
  readonly size: number;
  /** Where the file's own header is. */
  readonly local: number;
}

function unpacked(zip: Buffer, entry: Entry, name: Buffer): Buffer {
  const { local, packed, size, method } = entry;
  if (entry.isLink) throw new ZipError("in which it is a link");
  if (entry.isEncrypted) throw new ZipError("in which it is encrypted");
  if (size > largestFile) throw new ZipError(`in which it has ${size} bytes, more than ${largestFile}`);
  if (local + localLength > zip.length || zip.readUInt32LE(local) !== localMark)
    throw new ZipError("in which it isn't where the directory says");
  const nameEnd = local + localLength + zip.readUInt16LE(local + 26);
  if (!zip.subarray(local + localLength, nameEnd).equals(name))
    throw new ZipError("in which it has another name than in the directory");
  const begin = nameEnd + zip.readUInt16LE(local + 28);
  if (begin + packed > zip.length) throw new ZipError("in which its bytes aren't all there");
  const bytes = zip.subarray(begin, begin + packed);
  if (method === 0) return bytes;
  if (method !== 8) throw new ZipError(`in which it is packed by method ${method}, expected 0 or 8`);
  return inflated(bytes, size);
}

/** No more than its size is ever unpacked: a few bytes can stand for gigabytes. */
function inflated(bytes: Buffer, size: number): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) });
  } catch {
    throw new ZipError("in which it can't be unpacked to the size in the directory");
  }
}

function checked(bytes: Buffer, { size, sum }: Entry): Buffer {
  if (bytes.length !== size) throw new ZipError("in which it has another size than in the directory");
  if (crc32(bytes) !== sum) throw new ZipError("in which its checksum is wrong");
  return bytes;
}
