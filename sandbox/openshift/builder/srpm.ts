import { readFile } from "node:fs/promises";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { extract } from "tar-stream";

/** What the builder needs to know of a source RPM. */
export interface SourceRpm {
  /** The tarball's name without `.tgz`: `onload-9.0.2.140`. */
  name: string;
  /** The release's version, which onload.ko, sfc_char.ko and sfc_resource.ko report. */
  version: string;
  /** The network driver's own version, which sfc.ko reports. */
  driverVersion: string;
}

/** Bytes before an RPM's signature header, and its first four. */
const LEAD = { size: 96, magic: 0xedabeedb };
const HEADER_MAGIC = 0x8eade801;
/** The files that tell the versions: the demonstration's own, and Onload's net driver header. */
const VERSION_FILE = /\/(versions\.mk|net_driver\.h)$/;

/**
 * Opens a source RPM as `rpm2cpio | cpio` would, and its tarball. Throws an error whose message says what is wrong with
 * it, as build-kmod.sh would.
 */
export async function readSourceRpm(path: string): Promise<SourceRpm> {
  const members = cpioMembers(payload(await readFile(path)));
  const tarballs = [...members.keys()].filter((name) => /^onload-.*\.tgz$/.test(name));
  const [tarball] = tarballs;
  if (tarball === undefined || tarballs.length > 1) {
    throw new Error(`expected exactly one onload-<version>.tgz in it, found: ${[...members.keys()].join(" ")}`);
  }
  const name = tarball.replace(/\.tgz$/, "");
  const texts = await readTarball(members.get(tarball) ?? Buffer.alloc(0));
  if (!texts.hasBuildScript)
    throw new Error("its tarball has no scripts/onload_build: not a source package of OpenOnload");
  const version = /^ONLOAD_VERSION\s*:=\s*(\S+)/m.exec(texts.versions)?.[1] ?? name.replace(/^onload-/, "");
  const driver = /^SFC_VERSION\s*:=\s*(\S+)|EFX_DRIVER_VERSION\s+"([^"]+)"/m.exec(texts.versions);
  return { name, version, driverVersion: driver?.[1] ?? driver?.[2] ?? version };
}

/** The payload of an RPM (rpm.org, "RPM V4 Package format"): lead, signature, header, then a compressed cpio archive. */
function payload(rpm: Buffer): Buffer {
  if (rpm.length < LEAD.size || rpm.readUInt32BE(0) !== LEAD.magic)
    throw new Error("rpm2cpio cannot read it: not an RPM");
  const signatureEnd = headerEnd(rpm, LEAD.size);
  const start = headerEnd(rpm, Math.ceil(signatureEnd / 8) * 8);
  const body = rpm.subarray(start);
  if (body.readUInt16BE(0) === 0x1f8b) return gunzipSync(body);
  if (body.readUInt32LE(0) === 0xfd2fb528) return zstdDecompressSync(body);
  throw new Error("its payload is compressed by neither gzip nor zstd, which is all that this sandbox's builder knows");
}

function headerEnd(rpm: Buffer, start: number): number {
  if (rpm.readUInt32BE(start) !== HEADER_MAGIC) throw new Error("rpm2cpio cannot read it: bad header");
  return start + 16 + 16 * rpm.readUInt32BE(start + 8) + rpm.readUInt32BE(start + 12);
}

/** Names and contents in a cpio archive in the "new ASCII" format (cpio(5)). */
function cpioMembers(archive: Buffer): Map<string, Buffer> {
  const members = new Map<string, Buffer>();
  let offset = 0;
  for (;;) {
    const field = (index: number): number =>
      parseInt(archive.toString("latin1", offset + 6 + 8 * index, offset + 14 + 8 * index), 16);
    const size = field(6);
    const nameLength = field(11);
    const dataStart = align(offset + 110 + nameLength);
    const name = archive.toString("utf8", offset + 110, offset + 110 + nameLength - 1).replace(/^\.\//, "");
    if (name === "TRAILER!!!" || Number.isNaN(size)) return members;
    members.set(name, archive.subarray(dataStart, dataStart + size));
    offset = align(dataStart + size);
  }
}

const align = (offset: number): number => (offset + 3) & ~3;

async function readTarball(tgz: Buffer): Promise<{ hasBuildScript: boolean; versions: string }> {
  const tar = extract();
  tar.end(gunzipSync(tgz));
  let hasBuildScript = false;
  let versions = "";
  for await (const entry of tar) {
    const { name } = entry.header;
    if (/^[^/]+\/scripts\/onload_build$/.test(name.replace(/^\.\//, ""))) hasBuildScript = true;
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (VERSION_FILE.test(name)) versions += `${Buffer.concat(chunks).toString("utf8")}\n`;
  }
  return { hasBuildScript, versions };
}
