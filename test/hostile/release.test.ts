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

/** What the zip's directory says of the source RPM, found without the reader under test. */
function listedSum(zip: Buffer): number | undefined {
  const at = zip.lastIndexOf(Buffer.from(srpmName)) - 46;
  return at < 0 || zip.readUInt32LE(at) !== 0x02014b50 ? undefined : zip.readUInt32LE(at + 16);
}

function assertRefused(bytes: Uint8Array, why: RegExp): void {
  const { release, problems } = readRelease(bytes, settingsOf(bytes));
  assert.equal(release, undefined);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", why);
  assertTold(problems[0] ?? "", 4000);
}

hostile("release package", damagedBytes([packed, stored]), (bytes) => {
  const { release, problems } = readRelease(bytes, settingsOf(bytes));
  assert.equal(release === undefined, problems.length > 0);
  for (const problem of problems) assertTold(problem, 4000);
  const identified = identifyRelease(bytes, "a.zip");
  if (release === undefined) return;
  assert.equal(release.srpmName, srpmName);
  assert.equal(crc32(release.srpm), listedSum(bytes));
  assert.deepEqual([release.srpm.readUInt32BE(0), release.srpm.readUInt16BE(6)], [0xedabeedb, 1]);
  assert.equal(release.srpmSha256, sha256(release.srpm));
  assert.ok("settings" in identified && identified.settings.version === release.version);
});

hostile("source RPM", damagedBytes([srpmOf(), srpmOf(97), srpmOf(96)]), (bytes) => {
  const { release, problems } = readRelease(bytes, settingsOf(bytes, srpmName));
  const isSource = bytes.length > 96 && bytes.readUInt32BE(0) === 0xedabeedb && bytes.readUInt16BE(6) === 1;
  assert.equal(release !== undefined, isSource);
  if (release !== undefined) assert.deepEqual(release.srpm, bytes);
  else assertTold(problems[0] ?? "", 4000);
});

test("any source RPM that was packed comes out again", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.constantFrom<0 | 6 | 9>(0, 6, 9),
      (rest, level) => {
        const srpm = Buffer.concat([srpmOf(), rest]);
        const zip = zipSync({ ...texts, [`some/folder/${srpmName}`]: [srpm, { level }] });
        assert.deepEqual(readRelease(zip, settingsOf(zip)).release?.srpm, srpm);
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

test("the zip that is made here is a good one", () => {
  const zip = made({});
  assert.deepEqual(readRelease(zip, settingsOf(zip)).release?.srpm, srpmOf());
});

test("a bomb is not unpacked, whatever size it says", () => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  const before = process.memoryUsage().arrayBuffers;
  const data = deflateRawSync(zeros);
  for (const size of [400, 0xffffffff, 300 * 1024 * 1024]) {
    assertRefused(made({ data, size }), /in which it (can't be unpacked|has \d+ bytes, more than)/);
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 * zeros.length);
});

test("two directories are two answers, and neither is taken", () => {
  const [one, other] = [made({}), made({ bytes: srpmOf(500) })];
  const directory = Buffer.from(other.subarray(other.lastIndexOf(srpmName) - 46, other.length - 22));
  const start = one.length;
  assertRefused(
    Buffer.concat([one, directory, endOf(1, directory.length, start)]),
    /a zip with more than one directory/,
  );
});

test("a link, an encrypted file, and one that is called otherwise in its own place are refused", () => {
  assertRefused(made({ mode: 0o120777 }), /in which it is a link/);
  assertRefused(made({ flags: 1 }), /in which it is encrypted/);
  assertRefused(made({ localName: "onload-6.6.6.666-1.src.rpm" }), /another name than in the directory/);
});

test("a file whose bytes, size or checksum isn't the directory's is refused", () => {
  assertRefused(made({ sum: 1 }), /in which its checksum is wrong/);
  assertRefused(made({ size: 500 }), /in which it has another size/);
  assertRefused(made({ data: Buffer.from("no deflate") }), /can't be unpacked/);
});

test("a path out of the folder is no path: only the file's name is used", () => {
  for (const name of [`../../../tmp/${srpmName}`, `/etc/${srpmName}`]) {
    const zip = made({ name });
    assert.equal(readRelease(zip, settingsOf(zip)).release?.srpmName, srpmName);
  }
  assertRefused(made({ name: `..\\${srpmName}` }), /expected a name like/);
});

test("names in a zip are shown without what a terminal would obey, and not at full length", () => {
  const name = `${"\u001b[2J\u009b".repeat(5000)}.src.rpm`;
  assertRefused(zipSync({ [name]: srpmOf() }), /found the source RPM "\\u001b\[2J/);
  assertRefused(zipSync({ [`1${name}`]: srpmOf(), [`2${name}`]: srpmOf() }), /a zip with 2 source RPMs/);
});

test("a directory with more files than it says, or fewer, is refused", () => {
  const zip = made({});
  zip.writeUInt16LE(2, zip.length - 12);
  assertRefused(zip, /whose directory says 2 files and has 1/);
  assert.equal(readZip(Buffer.from("no zip")), undefined);
});
