import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { zipSync } from "fflate";
import {
  identifyRelease,
  readRelease,
  srpmVersion,
  type ReleaseResult,
  type ReleaseSettings,
} from "../../../core/build/release.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What begins every source RPM, and some more: enough for who doesn't read it. */
function fakeSrpm(type = 1): Buffer {
  const bytes = Buffer.alloc(200, 7);
  bytes.writeUInt32BE(0xedabeedb, 0);
  bytes.writeUInt16BE(type, 6);
  return bytes;
}

const srpmName = "onload-9.0.2.140-1.src.rpm";
const zip = (...names: string[]): Uint8Array =>
  zipSync(Object.fromEntries(names.map((name) => [name, name.endsWith(".rpm") ? fakeSrpm() : Buffer.from(name)])));
const goodZip = zip("ChangeLog", "LICENSE", "README", "ReleaseNotes", srpmName);

/** Reads `bytes` under settings that fit them, but for what `changes` says. */
const read = (bytes: Uint8Array, changes: Partial<ReleaseSettings> = {}): Promise<ReleaseResult> =>
  readRelease(bytes, {
    package: "downloads/SF-122450-LS.zip",
    sha256: sha256(bytes),
    version: "9.0.2.140",
    ...changes,
  });

test("takes the source RPM out of the zip", async () => {
  const { release, problems } = await read(goodZip);
  assert.deepEqual(problems, []);
  assert.deepEqual(release, { version: "9.0.2.140", srpmName, srpmSha256: sha256(fakeSrpm()), srpm: fakeSrpm() });
});

test("takes the source RPM itself", async () => {
  const { release, problems } = await read(fakeSrpm(), { package: `downloads/${srpmName}` });
  assert.deepEqual(problems, []);
  assert.equal(release?.srpmName, srpmName);
  assert.deepEqual(release.srpm, fakeSrpm());
});

test("the same source RPM has the same checksum, in the zip or beside it", async () => {
  const [inside, beside] = [await read(goodZip), await read(fakeSrpm(), { package: srpmName })];
  assert.equal(inside.release?.srpmSha256, beside.release?.srpmSha256);
  assert.match(inside.release?.srpmSha256 ?? "", /^[0-9a-f]{64}$/);
});

const wrong: { what: string; bytes: Uint8Array; changes?: Partial<ReleaseSettings>; problems: RegExp[] }[] = [
  {
    what: "another version in config: names the key, both versions, the file and the remedy",
    bytes: goodZip,
    changes: { version: "9.0.2.47" },
    problems: [
      /^onload-kmm:release\.version: found "9\.0\.2\.47", expected "9\.0\.2\.140", the version in onload-9\.0\.2\.140-1\.src\.rpm; set it with `pulumi config set --path onload-kmm:release\.version 9\.0\.2\.140`/,
    ],
  },
  {
    what: "another checksum",
    bytes: goodZip,
    changes: { sha256: "0".repeat(64) },
    problems: [
      new RegExp(`^onload-kmm:release\\.sha256: found "0{64}", expected "${sha256(goodZip)}", the SHA-256 of`),
    ],
  },
  {
    what: "both at once",
    bytes: goodZip,
    changes: { sha256: "0".repeat(64), version: "1.2" },
    problems: [/^onload-kmm:release\.sha256: /, /^onload-kmm:release\.version: /],
  },
  {
    what: "a zip without a source RPM",
    bytes: zip("README", "onload-9.0.2.140.tgz"),
    problems: [/found a zip without a \.src\.rpm \(it holds README, onload-9\.0\.2\.140\.tgz\), expected exactly one/],
  },
  { what: "an empty zip", bytes: zip(), problems: [/found a zip without a \.src\.rpm \(it holds nothing\)/] },
  {
    what: "a zip with two source RPMs",
    bytes: zip(srpmName, "old/onload-8.1.0-1.src.rpm"),
    problems: [
      /found a zip with 2 source RPMs \(onload-9\.0\.2\.140-1\.src\.rpm, old\/onload-8\.1\.0-1\.src\.rpm\), expected exactly one/,
    ],
  },
  {
    what: "a web page in place of the download",
    bytes: Buffer.from("<!DOCTYPE html>\n<title>Accept the licence</title>"),
    problems: [
      /^onload-kmm:release\.package: downloads\/SF-122450-LS\.zip: found 49 bytes that begin with "<!DOCTYPE html>\.<title>A", expected a zip file; download it again/,
    ],
  },
  { what: "an empty file", bytes: new Uint8Array(), problems: [/found an empty file, expected a zip file/] },
  { what: "half a download", bytes: goodZip.subarray(0, 300), problems: [/found 300 bytes .*, expected a zip file/] },
  {
    what: "a source RPM of another name",
    bytes: zip("openonload-201811-1.src.rpm"),
    problems: [
      /found the source RPM "openonload-201811-1\.src\.rpm", expected a name like onload-9\.0\.2\.140-1\.src\.rpm/,
    ],
  },
  {
    what: "a binary RPM under the name of a source RPM",
    bytes: fakeSrpm(0),
    changes: { package: srpmName },
    problems: [/^onload-kmm:release\.package: onload-9.*: found 200 bytes .*, expected a source RPM in onload-9/],
  },
  {
    what: "something else under that name in the zip",
    bytes: zipSync({ [srpmName]: Buffer.from("no RPM") }),
    problems: [/found 6 bytes that begin with "no RPM", expected a source RPM in onload-9/],
  },
];

for (const { what, bytes, changes, problems } of wrong) {
  test(`refuses ${what}`, async () => {
    const result = await read(bytes, changes);
    assert.equal(result.release, undefined);
    assert.equal(result.problems.length, problems.length, result.problems.join("\n"));
    problems.forEach((problem, index) => assert.match(result.problems[index] ?? "", problem));
  });
}

test("unpacks nothing whose checksum is wrong", async () => {
  // The entry's data is broken: unpacking it would fail.
  const broken = Buffer.from(goodZip);
  broken.fill(0xff, broken.indexOf(srpmName) + srpmName.length, broken.indexOf(srpmName) + srpmName.length + 10);
  const unpacked = await read(broken);
  assert.match(unpacked.problems.join(), /release\.package/);
  const refused = await read(broken, { sha256: sha256(goodZip) });
  assert.equal(refused.problems.length, 1);
  assert.match(refused.problems[0] ?? "", /^onload-kmm:release\.sha256: /);
});

test("any bytes are read or refused, never a crash", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, asZip) => {
      const { release, problems } = await read(bytes, asZip ? {} : { package: srpmName });
      assert.equal(release === undefined, problems.length > 0);
    }),
  );
});

test("any cut or flipped zip is read or refused, never a crash", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(goodZip.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const bytes = Buffer.from(goodZip);
      bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at);
      const { release, problems } = await read(bytes);
      assert.equal(release === undefined, problems.length > 0);
    }),
  );
});

test("the version is read back from any name that is made of one", () => {
  const version = fc.array(fc.nat(999), { minLength: 2, maxLength: 5 }).map((parts) => parts.join("."));
  fc.assert(
    fc.property(version, fc.nat(9), (made, revision) => {
      assert.equal(srpmVersion(`onload-${made}-${revision}.src.rpm`), made);
    }),
  );
});

test("no version is read from other names", () => {
  for (const name of [
    "onload-9.0.2.140.src.rpm",
    "onload-9-1.src.rpm",
    "onload-9.0-1.x86_64.rpm",
    "xonload-9.0-1.src.rpm",
  ]) {
    assert.equal(srpmVersion(name), undefined, name);
  }
});

test("a package says itself what its configuration has to say", async () => {
  const path = "downloads/SF-122450-LS.zip";
  const settings = { package: path, sha256: sha256(goodZip), version: "9.0.2.140" };
  assert.deepEqual(await identifyRelease(goodZip, path), { settings });
  assert.deepEqual((await readRelease(goodZip, settings)).problems, []);
});

test("what is wrong with such a package is told as ever", async () => {
  const told = async (bytes: Uint8Array) => {
    const identified = await identifyRelease(bytes, "downloads/x.zip");
    return "problems" in identified ? identified.problems.join("; ") : undefined;
  };
  assert.match(
    (await told(Buffer.from("<html>"))) ?? "",
    /found 6 bytes that begin with "<html>", expected a zip file/,
  );
  assert.match((await told(zip("README"))) ?? "", /found a zip without a \.src\.rpm/);
  assert.match(
    (await told(zip("other-1.0-1.src.rpm"))) ?? "",
    /found the source RPM "other-1.0-1.src.rpm", expected a name like/,
  );
});
