import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { crc32, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { zipSync } from "fflate";
import { identifyRelease, readRelease, type ReleaseSettings } from "../../core/build/release.ts";
import { readZip } from "../../core/build/zip.ts";
import { assertTold, hostile } from "./hostile.ts";
import { damagedBytes } from "./inputs.ts";

const srpmName = "onload-9.0.2.140-1.src.rpm";
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A source package's lead, and what nobody reads. */
function srpmOf(length = 400): Buffer {
  const bytes = Buffer.alloc(length, "onload");
  bytes.writeUInt32BE(0xedabeedb, 0);
  bytes.writeUInt16BE(1, 6);
  return bytes;
}

const texts = { README: Buffer.from("read me"), LICENSE: Buffer.from("yes") };
const packed = zipSync({ ...texts, [srpmName]: srpmOf() });
const stored = zipSync({ ...texts, [srpmName]: [srpmOf(), { level: 0 }] });
const settingsOf = (bytes: Uint8Array, file = "downloads/SF-122450-LS.zip"): ReleaseSettings => ({
  package: file,
  sha256: sha256(bytes),
  version: "9.0.2.140",
});

/** What entries of a zip's directory say of the source RPM, found without the reader under test; of damaged bytes there may be two. */
function listedSums(zip: Buffer): number[] {
  const sums: number[] = [];
  for (let at = zip.indexOf(srpmName); at >= 0; at = zip.indexOf(srpmName, at + 1)) {
    const entry = at - 46;
    if (entry >= 0 && zip.readUInt32LE(entry) === 0x02014b50) sums.push(zip.readUInt32LE(entry + 16));
  }
  return sums;
}

async function assertRefused(bytes: Uint8Array, why: RegExp): Promise<void> {
  const { release, problems } = await readRelease(bytes, settingsOf(bytes));
  assert.equal(release, undefined);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", why);
  assertTold(problems[0] ?? "", 4000);
}

hostile("release package", damagedBytes([packed, stored]), async (bytes) => {
  const { release, problems } = await readRelease(bytes, settingsOf(bytes));
  assert.equal(release === undefined, problems.length > 0);
  for (const problem of problems) assertTold(problem, 4000);
  const identified = await identifyRelease(bytes, "a.zip");
  if (release === undefined) return;
  assert.equal(release.srpmName, srpmName);
  assert.ok(listedSums(bytes).includes(crc32(release.srpm)));
  assert.deepEqual([release.srpm.readUInt32BE(0), release.srpm.readUInt16BE(6)], [0xedabeedb, 1]);
  assert.equal(release.srpmSha256, sha256(release.srpm));
  assert.ok("settings" in identified && identified.settings.version === release.version);
});

hostile("source RPM", damagedBytes([srpmOf(), srpmOf(97), srpmOf(96)]), async (bytes) => {
  const { release, problems } = await readRelease(bytes, settingsOf(bytes, srpmName));
  const isSource = bytes.length > 96 && bytes.readUInt32BE(0) === 0xedabeedb && bytes.readUInt16BE(6) === 1;
  assert.equal(release !== undefined, isSource);
  if (release !== undefined) assert.deepEqual(release.srpm, bytes);
  else assertTold(problems[0] ?? "", 4000);
});

test("any source RPM that was packed comes out again", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.constantFrom<0 | 6 | 9>(0, 6, 9),
      async (rest, level) => {
        const srpm = Buffer.concat([srpmOf(), rest]);
        const zip = zipSync({ ...texts, [`some/folder/${srpmName}`]: [srpm, { level }] });
        assert.deepEqual((await readRelease(zip, settingsOf(zip))).release?.srpm, srpm);
      },
    ),
    { numRuns: 200 },
  );
});

interface Made {
  readonly name?: string;
  readonly localName?: string;
  readonly bytes?: Uint8Array;
  readonly data?: Uint8Array;
  readonly size?: number;
  readonly sum?: number;
  readonly mode?: number;
  readonly flags?: number;
}

/** A zip of one file, as a person makes one who means harm. */
function made({ name = srpmName, localName = name, bytes = srpmOf(), mode = 0o100644, ...more }: Made): Buffer {
  const { data = deflateRawSync(bytes), size = bytes.length, sum = crc32(bytes), flags = 0 } = more;
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(localName.length, 26);
  const head = Buffer.concat([local, Buffer.from(localName), data]);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(flags, 8);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(sum, 16);
  entry.writeUInt32LE(data.length, 20);
  entry.writeUInt32LE(size, 24);
  entry.writeUInt16LE(name.length, 28);
  entry.writeUInt32LE(mode * 0x10000, 38);
  const directory = Buffer.concat([entry, Buffer.from(name)]);
  return Buffer.concat([head, directory, endOf(1, directory.length, head.length)]);
}

function endOf(count: number, length: number, start: number): Buffer {
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", 0, "latin1");
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(length, 12);
  end.writeUInt32LE(start, 16);
  return end;
}

test("the zip that is made here is a good one", async () => {
  const zip = made({});
  assert.deepEqual((await readRelease(zip, settingsOf(zip))).release?.srpm, srpmOf());
});

test("a bomb is not unpacked, whatever size it says", async () => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  const before = process.memoryUsage().arrayBuffers;
  const data = deflateRawSync(zeros);
  for (const size of [400, 0xffffffff, 300 * 1024 * 1024]) {
    await assertRefused(made({ data, size }), /in which it (can't be unpacked|has \d+ bytes, more than)/);
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 * zeros.length);
});

test("a second directory is no way to another file: what it says isn't there", async () => {
  const [one, other] = [made({}), made({ bytes: srpmOf(500) })];
  const directory = Buffer.from(other.subarray(other.lastIndexOf(srpmName) - 46, other.length - 22));
  const start = one.length;
  await assertRefused(
    Buffer.concat([one, directory, endOf(1, directory.length, start)]),
    /in which it (can't be unpacked to the size in|isn't where) the directory/,
  );
});

test("a link, an encrypted file, and one that is called otherwise in its own place are refused", async () => {
  await assertRefused(made({ mode: 0o120777 }), /in which it is a link/);
  await assertRefused(made({ flags: 1 }), /in which it is encrypted/);
  await assertRefused(made({ localName: "onload-6.6.6.666-1.src.rpm" }), /another name than in the directory/);
});

test("a file whose bytes, size or checksum isn't the directory's is refused", async () => {
  await assertRefused(made({ sum: 1 }), /in which its checksum is wrong/);
  await assertRefused(made({ size: 500 }), /can't be unpacked to the size in the directory/);
  await assertRefused(made({ data: Buffer.from("no deflate") }), /can't be unpacked/);
});

test("a path out of the folder is no path: only the file's name is used", async () => {
  for (const name of [`../../../tmp/${srpmName}`, `/etc/${srpmName}`]) {
    const zip = made({ name });
    assert.equal((await readRelease(zip, settingsOf(zip))).release?.srpmName, srpmName);
  }
  await assertRefused(made({ name: `..\\${srpmName}` }), /expected a name like/);
});

test("names in a zip are shown without what a terminal would obey, and not at full length", async () => {
  const name = `${"\u001b[2J\u009b".repeat(5000)}.src.rpm`;
  await assertRefused(zipSync({ [name]: srpmOf() }), /found the source RPM "\\u001b\[2J/);
  await assertRefused(zipSync({ [`1${name}`]: srpmOf(), [`2${name}`]: srpmOf() }), /a zip with 2 source RPMs/);
});

test("a directory with more files than it says, or fewer, is refused", async () => {
  const zip = made({});
  zip.writeUInt16LE(2, zip.length - 12);
  await assertRefused(zip, /a zip whose directory is broken/);
  assert.equal(await readZip(Buffer.from("no zip")), undefined);
});
