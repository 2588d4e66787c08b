/** A regular file in an archive. */
export interface ArchiveFile {
  readonly name: string;
  readonly data: Buffer;
  /** Permission bits, as 0o644. */
  readonly mode: number;
}

/**
 * A cpio archive of regular files in the "new ASCII" format (cpio(5), magic number 070701), owned by root, with `time` in
 * seconds since 1970 for all.
 */
export function cpio(files: readonly ArchiveFile[], time: number): Buffer {
  const trailer = { name: "TRAILER!!!", data: Buffer.alloc(0), mode: 0 };
  return Buffer.concat([
    ...files.map((file, index) => member(file, { inode: index + 1, mode: 0o100000 | file.mode, time })),
    member(trailer, { inode: 0, mode: 0, time: 0 }),
  ]);
}

function member({ name, data }: ArchiveFile, stat: { inode: number; mode: number; time: number }): Buffer {
  const links = 1;
  // inode, mode, uid, gid, links, time, size, device ×2, special device ×2, length of the name with its end, checksum
  const fields = [stat.inode, stat.mode, 0, 0, links, stat.time, data.length, 0, 0, 0, 0, name.length + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`;
  return Buffer.concat([aligned(Buffer.from(header)), aligned(data)]);
}

const aligned = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
