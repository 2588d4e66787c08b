/** One file out of a zip that nobody vouches for: yauzl reads it, and what it leaves to its caller is checked here. */
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { fromBufferPromise, type Entry, type ZipFile } from "yauzl";

/** Not a sound zip: what is wrong with it, to follow "a zip" or "a zip with FILE". */
export class ZipError extends Error {}

export interface ZipEntry {
  readonly name: string;
  /** @throws ZipError when its bytes aren't what the directory says */
  readonly read: () => Promise<Buffer>;
}

/** Bytes that one file may have: dozens of times what a source RPM has, and less than a bastion's memory. */
const largestFile = 256 * 1024 * 1024;

/**
 * The entries of a zip's directory, nothing unpacked; undefined where the bytes have no such directory.
 *
 * @throws ZipError for a directory that doesn't fit
 */
export async function readZip(bytes: Uint8Array): Promise<ZipEntry[] | undefined> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Names are shown, and compared by their end: no path is made of one.
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false };
  const zip = await fromBufferPromise(file, options).catch(() => undefined);
  if (zip === undefined) return undefined;
  const entries: ZipEntry[] = [];
  await sound("whose directory is broken", async () => {
    for await (const entry of zip.eachEntry()) {
      const { fileNameRaw } = entry;
      entries.push({ name: fileNameRaw.toString("utf8"), read: () => contentOf(zip, entry) });
    }
  });
  return entries;
}

async function contentOf(zip: ZipFile, entry: Entry): Promise<Buffer> {
  const { uncompressedSize: size, externalFileAttributes: attributes } = entry;
  // A Unix mode's file type (zip APPNOTE 4.4.15, inode(7)).
  if (attributes >>> 28 === 0o12) throw new ZipError("in which it is a link");
  if (entry.isEncrypted()) throw new ZipError("in which it is encrypted");
  if (size > largestFile) throw new ZipError(`in which it has ${size} bytes, more than ${largestFile}`);
  const { fileName } = await sound("in which it isn't where the directory says", () =>
    zip.readLocalFileHeaderPromise(entry),
  );
  if (!fileName.equals(entry.fileNameRaw)) throw new ZipError("in which it has another name than in the directory");
  const content = await sound("in which it can't be unpacked to the size in the directory", async () =>
    buffer(await zip.openReadStreamPromise(entry)),
  );
  if (crc32(content) !== entry.crc32) throw new ZipError("in which its checksum is wrong");
  return content;
}

/** Whatever the library finds wrong. */
async function sound<T>(otherwise: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch {
    throw new ZipError(otherwise);
  }
}
